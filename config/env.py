"""What the environment says, typed; and the private file that stands in for it outside production."""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Literal

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent

SECRETS: dict[str, str] = {
    "secret_key": "HUIYIN_SECRET_KEY",
    "contact_keys": "HUIYIN_CONTACT_KEYS",
    "index_key": "HUIYIN_INDEX_KEY",
}


class Env(BaseSettings):
    """The variables read, one field each. `.env.example` explains them to an administrator."""

    model_config = SettingsConfigDict(env_file=BASE_DIR / ".env", extra="ignore", populate_by_name=True)

    env: Literal["development", "production"] = Field("development", alias="HUIYIN_ENV")
    debug: bool = Field(False, alias="HUIYIN_DEBUG")
    var: Path = Field(BASE_DIR / "var", alias="HUIYIN_VAR")
    secret_key: str = Field("", alias="HUIYIN_SECRET_KEY")
    contact_keys: str = Field("", alias="HUIYIN_CONTACT_KEYS")
    index_key: str = Field("", alias="HUIYIN_INDEX_KEY")
    allowed_hosts: str = Field("", alias="HUIYIN_ALLOWED_HOSTS")
    log_hash: Literal["sha256", "sm3"] = Field("sha256", alias="HUIYIN_LOG_HASH")
    database_url: str = Field("", alias="DATABASE_URL")
    broker_url: str = Field("", alias="CELERY_BROKER_URL")
    smtp_url: str = Field("", alias="HUIYIN_SMTP_URL")
    mail_from: str = Field("", alias="HUIYIN_MAIL_FROM")
    base_url: str = Field("", alias="HUIYIN_BASE_URL")
    metrics_token: str = Field("", alias="HUIYIN_METRICS_TOKEN")
    attachment_mb: int = Field(20, ge=1, le=500, alias="HUIYIN_ATTACHMENT_MB")
    attachments_per_record: int = Field(12, ge=1, le=100, alias="HUIYIN_ATTACHMENTS_PER_RECORD")
    attachments_per_case: int = Field(200, ge=1, le=10_000, alias="HUIYIN_ATTACHMENTS_PER_CASE")
    image_megapixels: int = Field(50, ge=1, le=200, alias="HUIYIN_IMAGE_MEGAPIXELS")
    scan: str = Field("", pattern=r"^(|clamd:\S.*|command:\S.*)$", alias="HUIYIN_SCAN")
    figures_minimum: int = Field(10, ge=1, alias="HUIYIN_FIGURES_MINIMUM")

    @property
    def production(self) -> bool:
        return self.env == "production"


def load() -> Env:
    """Read the environment. Raises ImproperlyConfigured naming every variable that is missing or wrong."""
    try:
        env = Env()
    except ValidationError as error:
        wrong = "；".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())
        raise ImproperlyConfigured(f"环境变量有误：{wrong}") from error
    if env.production:
        _require(env)
        return env
    return env.model_copy(update={n: v for n, v in _private(env.var).items() if not getattr(env, n)})


def _require(env: Env) -> None:
    needed = {**SECRETS, "allowed_hosts": "HUIYIN_ALLOWED_HOSTS", "database_url": "DATABASE_URL"}
    missing = [variable for name, variable in needed.items() if not getattr(env, name)]
    if missing:
        raise ImproperlyConfigured(
            f"生产环境（HUIYIN_ENV=production）缺少：{'、'.join(missing)}。请在环境变量中逐一设置后再启动，参见 .env.example。"
        )


def _private(var: Path) -> dict[str, str]:
    """Secrets for development, made once and kept in `var/secrets.json`, readable by its owner only."""
    path = var / "secrets.json"
    try:
        kept: dict[str, str] = json.loads(path.read_text())
        return kept
    except FileNotFoundError:
        pass
    var.mkdir(parents=True, exist_ok=True)
    made = {
        "secret_key": secrets.token_urlsafe(48),
        "contact_keys": "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "index_key": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    # Written aside and linked into place, so that two first starts agree on one set of keys.
    aside = var / f".secrets-{os.getpid()}"
    aside.touch(mode=0o600)
    aside.write_text(json.dumps(made))
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
    winner: dict[str, str] = json.loads(path.read_text())
    return winner
