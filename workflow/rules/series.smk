rule series:
    input:
        f"{RESULTS}/artifacts/{{name}}.json",
    output:
        f"{RESULTS}/series/{{name}}.json",
    log:
        f"{RESULTS}/logs/series/{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/series/{{name}}.tsv"
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
        results=results,
    shell:
        "printf %s {params.entries:q} | seriesview build-dataset --entries - {params.store:q} --from {input:q}"
        " --failures {params.results:q}/failures --out {output:q} 2>&1 | tee {log:q} >&2"


rule picture:
    input:
        f"{RESULTS}/series/{{name}}.json",
    output:
        report(
            f"{RESULTS}/pictures/{{name}}.png",
            caption="../report/picture.rst",
            category="Pictures",
            labels={"series": "{name}"},
        ),
    log:
        f"{RESULTS}/logs/pictures/{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/pictures/{{name}}.tsv"
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
