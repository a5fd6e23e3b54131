"""What Prometheus reads, for tests: the token that opens it, and the samples in an answer."""

from prometheus_client.parser import text_string_to_metric_families

from tests.leaks import keep_secret

TOKEN = "scrape-with-this-0123456789-abcdefghijkl"
keep_secret(TOKEN, always=True)
BEARER = {"Authorization": f"Bearer {TOKEN}"}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """Return every sample by its name and labels; the text must be valid."""
    families = text_string_to_metric_families(text)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0)
