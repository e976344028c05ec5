SERIES = [f"{RESULTS}/series/{name}.json" for name in DATASETS]
PICTURES = [f"{RESULTS}/pictures/{name}.png" for name in DATASETS]


rule workspace:
    input:
        SERIES,
    output:
        f"{RESULTS}/workspace.json",
    log:
        f"{RESULTS}/logs/workspace.log",
    benchmark:
        f"{RESULTS}/benchmarks/workspace.tsv"
    localrule: True
    conda:
        "../envs/seriesview.yaml"
    resources:
        mem_mb=200,
        runtime=5,
    params:
        config=workspace_json,
        store=store_options,
    shell:
        "printf %s {params.config:q} | seriesview build-workspace {input:q} --config - {params.store:q}"
        " --out {output:q} 2>&1 | tee {log:q} >&2"


rule picture_page:
    input:
        workspace=f"{RESULTS}/workspace.json",
        pictures=PICTURES,
    output:
        f"{RESULTS}/pictures/index.html",
    log:
        f"{RESULTS}/logs/picture_page.log",
    benchmark:
        f"{RESULTS}/benchmarks/picture_page.tsv"
    localrule: True
    conda:
        "../envs/seriesview.yaml"
    resources:
        mem_mb=200,
        runtime=5,
    params:
        store=store_options,
    shell:
        "seriesview picture-page {input.workspace:q} {params.store:q} --out {output:q}"
        " 2>&1 | tee {log:q} >&2"


rule series_table:
    input:
        SERIES,
    output:
        report(
            f"{RESULTS}/report/series.html",
            caption="../report/series.rst",
            category="Series",
            labels={"table": "all series"},
        ),
    log:
        f"{RESULTS}/logs/series_table.log",
    benchmark:
        f"{RESULTS}/benchmarks/series_table.tsv"
    localrule: True
    conda:
        "../envs/seriesview.yaml"
    resources:
        mem_mb=200,
        runtime=5,
    shell:
        "seriesview series-table {input:q} --out {output:q} 2>&1 | tee {log:q} >&2"
