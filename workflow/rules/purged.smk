# What a site's purge, or somebody's hand, took out of the store is built again, and nothing else.
from seriesview.pipeline.purged import look_for_purged


def purged():
    """The datasets that are to be built again, where this is a dry run; else their results go, so that they are."""
    is_asked = (
        workflow.is_main_process
        and OUTLOOK_IS_TOLD not in os.environ
        and Path(RESULTS, "series").is_dir()
    )
    if not is_asked:
        return frozenset()
    results = Results(Path(RESULTS))
    try:
        found = look_for_purged(CONFIGURED.datasets, results, store_of(STORE), STORE)
    except SeriesviewError:
        # Whoever builds says what is wrong with the store.
        return frozenset()
    for line in found.lines:
        print(line, file=sys.stderr)
    if workflow.output_settings.dryrun:
        return frozenset(dataset.name for dataset in found.gone)
    results.forget_built(found.gone)
    return frozenset()


PURGED = purged()
