# A workspace for each session, and the index of all. One that is not whole stops no other: the index says so, and the
# rule `sessions` fails where there is one, so that the next run tries again.


rule index:
    input:
        outcomes,
    output:
        update(f"{RESULTS}/sessions.json"),
        update(f"{RESULTS}/sessions.tsv"),
        update(f"{RESULTS}/index.html"),
        report(
            f"{RESULTS}/report/sessions.html",
            caption="../report/sessions.rst",
            category="Sessions",
            labels={"table": "all sessions"},
        ),
        report(
            directory(f"{RESULTS}/report/tables"),
            patterns=["{session}.html"],
            caption="../report/series.rst",
            category="{session}",
            labels={"shown": "all series"},
        ),
        report(
            directory(f"{RESULTS}/report/pictures"),
            patterns=["{session}/{name}.png"],
            caption="../report/picture.rst",
            category="{session}",
            labels={"shown": "{name}"},
        ),
    log:
        f"{RESULTS}/logs/index.log",
    benchmark:
        f"{RESULTS}/benchmarks/index.tsv"
    localrule: True
    conda:
        "../envs/seriesview.yaml"
    resources:
        mem_mb=500,
        runtime=20,
    params:
        sessions=noted,
        outcomes=listed,
        store=store_options,
        results=results,
    shell:
        "seriesview build-index --listed <({params.outcomes}) {params.store:q} --results {params.results:q}"
        " 2>&1 | tee {log:q} >&2"


rule sessions:
    input:
        outcomes=outcomes,
        index=f"{RESULTS}/sessions.json",
    output:
        f"{RESULTS}/outcomes/sessions.json",
    log:
        f"{RESULTS}/logs/sessions.log",
    benchmark:
        f"{RESULTS}/benchmarks/sessions.tsv"
    localrule: True
    conda:
        "../envs/seriesview.yaml"
    resources:
        mem_mb=300,
        runtime=5,
    params:
        outcomes=listed,
        results=results,
    shell:
        "seriesview build-index --check {output:q} --listed <({params.outcomes}) --results {params.results:q}"
        " 2>&1 | tee {log:q} >&2"


# For those who ask for a session by its files.
rule session:
    input:
        outcomes=outcomes_of_session,
    output:
        update(f"{RESULTS}/{{session}}/workspace.json"),
        update(f"{RESULTS}/{{session}}/index.html"),
    log:
        f"{RESULTS}/logs/sessions/{{session}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sessions/{{session}}.tsv"
    wildcard_constraints:
        session=one_of(SESSIONS),
    localrule: True
    conda:
        "../envs/seriesview.yaml"
    resources:
        mem_mb=300,
        runtime=5,
    params:
        session=noted,
        outcomes=listed,
        store=store_options,
        results=results,
    shell:
        "seriesview build-index --session {wildcards.session:q} --listed <({params.outcomes}) {params.store:q}"
        " --results {params.results:q} 2>&1 | tee {log:q} >&2"
