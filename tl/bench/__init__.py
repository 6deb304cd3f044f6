"""What is measured and how it is shown: readers of the published benchmarks, and pure functions
over records. No model.

    suites       the benchmarks by name: rotbench (with rotbench_rules), bfcl (with bfcl_files,
                 bfcl_ast), toolalpaca, tooleyes (with simulated, tool_library), tool_world; of
                 general ability mmlu, gsm8k, humaneval
    programs     runs what a model wrote, under the limits of confined
    upstream     their published files, each checked
    protocols    official, first_gold, all_calls: other ways to count, and what gold itself gets
    published    the paper's own tables; beside_paper: measured numbers in the same form
    records      a case, what a model said to it; a task, the episode that a model made of it
    metrics      TS, PI, CF; what was decided (call, ask, answer), over- and under-calling
    episodes     DE, CE, VA and whether the answer is right
    anatomy      paper Table 1: in which way the wrong calls are wrong
    wording      when two different values say the same
    score        scores.json: the numbers of all sets
    predictions  predictions.jsonl, both ways
    summary      the plain text table
    report       report.html, with page (text, tables, style), svg (charts), failures (wrong calls)
"""
