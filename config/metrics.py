"""The same for Prometheus. Values are read at the scrape, so it does not matter which process answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from config.health import Health, health


def exposition(*, at: datetime) -> bytes:
    """Text format, version 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Rows(health(at=at)))
    return generate_latest(registry)


class _Rows(Collector):
    def __init__(self, found: Health) -> None:
        self._found = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = self._found
        yield GaugeMetricFamily(
            "huiyin_sweep_lag_seconds",
            "How long the most overdue clock has waited for the sweep",
            found.lag.total_seconds(),
        )
        yield GaugeMetricFamily(
            "huiyin_outbox_age_seconds", "Age of the oldest event not handed on", found.outbox.total_seconds()
        )
        yield GaugeMetricFamily(
            "huiyin_notice_lag_seconds",
            "How long the most overdue notice has waited to be sent, over all channels",
            max((late.total_seconds() for late in found.notices.values()), default=0.0),
        )
        yield GaugeMetricFamily(
            "huiyin_calendars_missing_year",
            "Calendars whose next year should be published",
            len(found.calendars),
        )
        alerts = GaugeMetricFamily("huiyin_alerts_open", "Alerts nobody has closed", labels=["kind"])
        for kind, count in found.alerts.items():
            alerts.add_metric([kind], count)
        yield alerts
        ran = GaugeMetricFamily("huiyin_periodic_ran_timestamp_seconds", "Newest noted run", labels=["job"])
        took = GaugeMetricFamily("huiyin_periodic_duration_seconds", "How long that run took", labels=["job"])
        failures = GaugeMetricFamily("huiyin_periodic_failures", "Failures in a row", labels=["job"])
        for job in found.jobs:
            if job.run is not None:
                ran.add_metric([job.name], job.run.ran_at.timestamp())
                took.add_metric([job.name], job.run.took_ms / 1000)
                failures.add_metric([job.name], job.run.failures)
        yield from (ran, took, failures)
