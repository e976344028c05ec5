rule artifacts:
    input:
        recording,
    output:
        f"{RESULTS}/artifacts/{{name}}.json",
    log:
        f"{RESULTS}/logs/artifacts/{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/artifacts/{{name}}.tsv"
    wildcard_constraints:
        name=one_of(WHOLE),
    conda:
        "../envs/seriesview.yaml"
    threads: 2
    resources:
        mem_mb=500,
        runtime=minutes,
    params:
        entries=samples_json,
        store=store_options,
        version=ARTIFACT_VERSION,
        results=results,
        state=state,
    shell:
        "printf %s {params.entries:q} | seriesview build-dataset --entries - {params.store:q} --samples"
        " --ledger {params.results:q}/ledger --failures {params.results:q}/failures --threads {threads} --out {output:q}"
        " 2>&1 | tee {log:q} >&2"


rule artifacts_shard:
    input:
        recording,
    output:
        temp(f"{RESULTS}/shards/{{name}}/{{shard}}-of-{{shards}}.json"),
    log:
        f"{RESULTS}/logs/artifacts/{{name}}-{{shard}}-of-{{shards}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/artifacts/{{name}}-{{shard}}-of-{{shards}}.tsv"
    wildcard_constraints:
        name=one_of(SCATTERED),
        shards=r"\d+",
    conda:
        "../envs/seriesview.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=minutes,
    params:
        entries=samples_json,
        store=store_options,
        version=ARTIFACT_VERSION,
        results=results,
        state=state,
    shell:
        "printf %s {params.entries:q} | seriesview build-dataset --entries - {params.store:q}"
        " --shard {wildcards.shard}/{wildcards.shards}"
        " --ledger {params.results:q}/ledger --failures {params.results:q}/failures --threads {threads} --out {output:q}"
        " 2>&1 | tee {log:q} >&2"


rule artifacts_gather:
    input:
        shards=shards,
        recording=recording,
    output:
        f"{RESULTS}/artifacts/{{name}}.json",
    log:
        f"{RESULTS}/logs/artifacts/{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/artifacts/{{name}}.tsv"
    wildcard_constraints:
        name=one_of(SCATTERED),
    conda:
        "../envs/seriesview.yaml"
    threads: 2
    resources:
        mem_mb=500,
        runtime=minutes,
    params:
        entries=samples_json,
        store=store_options,
        version=ARTIFACT_VERSION,
        results=results,
        state=state,
        gather=lambda wildcards, input: gather_options(input.shards),
    shell:
        "printf %s {params.entries:q} | seriesview build-dataset --entries - {params.store:q} --samples"
        " {params.gather:q}"
        " --ledger {params.results:q}/ledger --failures {params.results:q}/failures --threads {threads} --out {output:q}"
        " 2>&1 | tee {log:q} >&2"
