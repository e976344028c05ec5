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
        entries=entries_json,
        store=store_options,
        version=ARTIFACT_VERSION,
    shell:
        "printf %s {params.entries:q} | seriesview build-dataset --entries - {params.store:q} --from {input:q}"
        " --failures results/failures --out {output:q} 2>&1 | tee {log:q} >&2"


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
        store=store_options,
        panel=panel_json,
    shell:
        "printf %s {params.panel:q} | seriesview picture {input:q} {params.store:q} --panel - --out {output:q}"
        " 2>&1 | tee {log:q} >&2"
