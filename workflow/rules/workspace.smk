rule workspace:
    input:
        outcomes,
    output:
        f"{RESULTS}/workspace.json",
        f"{RESULTS}/pictures/index.html",
        report(
            f"{RESULTS}/report/series.html",
            caption="../report/series.rst",
            category="Series",
            labels={"table": "all series"},
        ),
        report(
            directory(f"{RESULTS}/report/pictures"),
            patterns=["{name}.png"],
            caption="../report/picture.rst",
            category="Pictures",
            labels={"series": "{name}"},
        ),
    log:
        f"{RESULTS}/logs/workspace.log",
    benchmark:
        f"{RESULTS}/benchmarks/workspace.tsv"
    localrule: True
    conda:
        "../envs/seriesview.yaml"
    resources:
        mem_mb=300,
        runtime=5,
    params:
        config=workspace_json,
        outcomes=listed,
        store=store_options,
        results=results,
    shell:
        "{params.config} | seriesview build-workspace --listed <({params.outcomes}) --config - {params.store:q}"
        " --results {params.results:q} 2>&1 | tee {log:q} >&2"
