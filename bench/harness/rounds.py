"""Runs jobs in rounds, so that a machine that becomes warm or busy favours nobody."""
from harness.contenders import Contender


def in_rounds(contenders: list, runs: int, measure) -> dict:
    """Each round measures each contender once; who begins moves on. One that fails ends.

    Returns a list of Figures for each name."""
    results: dict = {contender.name: [] for contender in contenders}

    def once(contender: Contender):
        done = results[contender.name]
        if not any(figures.failure for figures in done):
            done.append(measure(contender))

    for turn in range(runs):
        start = turn % len(contenders)
        for contender in contenders[start:] + contenders[:start]:
            once(contender)
    return results
