# Snakemake deletes all outputs of a job that failed: so a chunk has one, which tells what became of each dataset, and
# what is made of them lies beside it, in artifacts/, series/ and pictures/. What is there is kept, and read by no job.


rule chunk:
    input:
        recordings=recordings,
        samples=gathered,
        sources=sources,
    output:
        f"{RESULTS}/chunks/{{chunk}}.json",
    log:
        f"{RESULTS}/logs/chunks/{{chunk}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/chunks/{{chunk}}.tsv"
    wildcard_constraints:
        chunk=r"one/.+|some/\d+-of-\d+",
    conda:
        "../envs/seriesview.yaml"
    threads: 2
    resources:
        mem_mb=mem_mb,
        runtime=minutes,
        scratch=scratch,
    params:
        words=words,
        entries=entries,
        store=store_options,
        version=[ARTIFACT_VERSION, PICTURE_VERSION],
        state=state,
        results=results,
    shell:
        "{params.entries} | seriesview build-chunk {params.words:q} --entries - {params.store:q}"
        " --scratch={resources.scratch:q}"
        " --results {params.results:q} --threads {threads} --out {output:q}"
        " 2>&1 | tee {log:q} >&2"


# For those who ask for a dataset by its files.
rule dataset:
    input:
        recordings=recordings,
        samples=gathered,
        sources=sources,
    output:
        update(f"{RESULTS}/series/{{name}}.json"),
        update(f"{RESULTS}/pictures/{{name}}.png"),
    log:
        f"{RESULTS}/logs/datasets/{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/datasets/{{name}}.tsv"
    wildcard_constraints:
        name=one_of(DATASETS),
    conda:
        "../envs/seriesview.yaml"
    threads: 2
    resources:
        mem_mb=mem_mb,
        runtime=minutes,
        scratch=scratch,
    params:
        words=words,
        entries=entries,
        store=store_options,
        version=[ARTIFACT_VERSION, PICTURE_VERSION],
        state=state,
        results=results,
    shell:
        "{params.entries} | seriesview build-chunk {params.words:q} --entries - {params.store:q}"
        " --scratch={resources.scratch:q}"
        " --results {params.results:q} --threads {threads} --strict"
        " 2>&1 | tee {log:q} >&2"
