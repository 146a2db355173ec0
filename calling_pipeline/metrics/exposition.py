"""Samples as Prometheus' text, or as OpenMetrics when that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from calling_pipeline.metrics.records import Family, Sample

_FAMILIES = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily, "histogram": HistogramMetricFamily}


class _Samples(Collector):
    def __init__(self, samples: Sequence[Sample], centre: str) -> None:
        self._samples, self._centre = samples, centre

    def collect(self) -> Iterable[Metric]:
        return _metrics(self._samples, self._centre)


def text_of(samples: Sequence[Sample], accept: str, *, centre: str = "") -> tuple[bytes, str]:
    """The body and its media type, in the form that the header `Accept` asks for.

    Every number of an installation that is one centre of several has the label `centre`.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Samples(samples, centre))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


def _metrics(samples: Sequence[Sample], centre: str) -> Iterator[Metric]:
    names, values = (("centre",), (centre,)) if centre else ((), ())
    by_family: dict[Family, list[Sample]] = {}
    for sample in samples:
        by_family.setdefault(sample.family, []).append(sample)
    for family, own in by_family.items():
        made = _FAMILIES[family.kind](family.name, family.about, labels=(*names, *family.labels))
        for sample in own:
            if isinstance(made, HistogramMetricFamily):
                made.add_metric((*values, *sample.labels), sample.buckets, sample.number)
            else:
                made.add_metric((*values, *sample.labels), sample.number)
        yield made
