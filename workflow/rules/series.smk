rule series:
    input:
        "results/artifacts/{name}.json",
    output:
        "results/series/{name}.json",
    log:
        "results/logs/series/{name}.log",
    benchmark:
        "results/benchmarks/series/{name}.tsv"
    localrule: True
    conda:
        "../envs/seriesview.yaml"
    resources:
        mem_mb=200,
        runtime=5,
    params:
        dataset=dataset_json,
        store=store_json,
        version=ARTIFACT_VERSION,
    shell:
        "seriesview build-series {wildcards.name:q} --artifacts {input:q} --dataset-json {params.dataset:q}"
        " --store-json {params.store:q} --out {output:q} 2>&1 | tee {log:q} >&2"


rule picture:
    input:
        "results/series/{name}.json",
    output:
        report(
            "results/pictures/{name}.png",
            caption="../report/picture.rst",
            category="Pictures",
            labels={"series": "{name}"},
        ),
    log:
        "results/logs/pictures/{name}.log",
    benchmark:
        "results/benchmarks/pictures/{name}.tsv"
    conda:
        "../envs/seriesview.yaml"
    resources:
        mem_mb=500,
        runtime=10,
    params:
        store=store_json,
        panel=panel_json,
    shell:
        "seriesview picture {input:q} --store-json {params.store:q} --panel-json {params.panel:q}"
        " --out {output:q} 2>&1 | tee {log:q} >&2"
