"""The product's settings plus the peers' apps. Connection options are the product's own, hence equal for all."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as _PRODUCT

INSTALLED_APPS = [*_PRODUCT, "bench.peers"]
