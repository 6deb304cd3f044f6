"""The published files of BFCL: where they stand and their SHA-256."""

from tl.bench.upstream import Upstream

ROOT = "berkeley-function-call-leaderboard"
V3 = Upstream("ShishirPatil/gorilla", "30f9d4be5ed75e37303a303f6c3000f8b788cf8a", f"{ROOT}/data/")
V4 = Upstream(
    "ShishirPatil/gorilla", "6ea57973c7a6097fd7c5915698c54c17c5b1b6c8", f"{ROOT}/bfcl_eval/data/"
)
SHA256 = {
    "BFCL_v3_exec_simple.json":
        "120eb383a8ec801b47e56d7337b61158944ae35b935c86e8d846948fa27215f6",
    "BFCL_v3_exec_multiple.json":
        "180ccd36814856574a2a488e026ace22ef2631fe17f404a8a4168ceffaab4cb6",
    "BFCL_v3_exec_parallel.json":
        "67826cdd638e1416a3b9f0243872ce91b95f438b467faa3f8d9351e80d39153d",
    "BFCL_v3_exec_parallel_multiple.json":
        "d731f7171814b5637a8659b3484945863347bb877dd67faf36447e2bbae7cf9f",
    "BFCL_v3_simple.json":
        "fbc37b2ad252bf9af985582e0e07b456173fe627d957491472ea9cef5fb83158",
    "possible_answer/BFCL_v3_simple.json":
        "ec5b3feb9608d46eeff53f70e8610a9d9c3e3acc0b1d024a89352a08dc33887e",
    "BFCL_v3_multiple.json":
        "8fb6b043cc80a1a0d5b5a578d5dd0593ed454d922d47034dcfdadfc4e36f7e5d",
    "possible_answer/BFCL_v3_multiple.json":
        "a17c86584546eb92899217f55751cecd95dacd2077f30366e19d3a6fa93d5fdd",
    "BFCL_v3_parallel.json":
        "7113637be7c8a91f3d521c8a5ba1050b654094baef1c3c40b62bfb2830cbeea4",
    "possible_answer/BFCL_v3_parallel.json":
        "ff758958c7463b313a3a0760a263db1aba63c6d8bd72b7b175d251ce89eeddde",
    "BFCL_v3_parallel_multiple.json":
        "8863ea8433239f55c5f016154cf0830853c89f693c6ea270396a2fa121960579",
    "possible_answer/BFCL_v3_parallel_multiple.json":
        "39ed9845f6b748ddc533d6b56353071862a58321e36ae647a22a5fc0bc7c6df7",
    "unused_datasets/question/BFCL_v4_exec_simple.json":
        "32ee3959e8e3f92fac1e90e55bf5fa41c759bfef4e6a2d88421af527a859d0a4",
    "unused_datasets/possible_answer/BFCL_v4_exec_simple.json":
        "4584017c92ae9a2407eac25bcec2496233a32a08182301b15f65538aa575b5a7",
    "unused_datasets/question/BFCL_v4_exec_multiple.json":
        "7dc1247bf337da33b8d72597c31de6f5e510736a89d7551dc898154f09363ced",
    "unused_datasets/possible_answer/BFCL_v4_exec_multiple.json":
        "4d30c1642e7ff57bf29ca8a25bbad27b2a6612efea4ec03c0ba5a894ea6fd15c",
    "unused_datasets/question/BFCL_v4_exec_parallel.json":
        "f407d29d48c86a18966471a00456813b296ec479a7b38b6ffc371d3070ecd412",
    "unused_datasets/possible_answer/BFCL_v4_exec_parallel.json":
        "896aa96eda0909780bc474a7887bc38c2025a5a7a90e194236d689c3a3e3d178",
    "unused_datasets/question/BFCL_v4_exec_parallel_multiple.json":
        "6009581d732fd5c7e8332b44f1a9b4ecd62e31bbfe7c283f828a1d1f23e30d1e",
    "unused_datasets/possible_answer/BFCL_v4_exec_parallel_multiple.json":
        "efe7c7bcaeda600ef2fb8a65841c8628226841d50408313c18e6450d0d5efca9",
    "BFCL_v4_simple_python.json":
        "82dd63ba502eb2520c6b5d1d9a5c4b590e03ff261565175561f6228a367d1991",
    "possible_answer/BFCL_v4_simple_python.json":
        "90cd5bc653690ee8e459b5b3f3fc9458606f7f3fcbf795bb51b7dc581f8c86dc",
    "BFCL_v4_multiple.json":
        "aef168155ebd74b7ac2401198b201343bc7d16d7a3d7e0d4e6d8ee82c6969b2a",
    "possible_answer/BFCL_v4_multiple.json":
        "244e00ce9395df948bcafc7bee64e8f9c87ef70887587d83cae45b13699f3047",
    "BFCL_v4_parallel.json":
        "19f51a82eff42e5d62541aa500115a056eb78f437c2ba1f10415fd7c8e5dda84",
    "possible_answer/BFCL_v4_parallel.json":
        "8a6aa19c1adddc6a5a2f7e40f9dbf30cc7e95815e7b830c90589ab318229e0f0",
    "BFCL_v4_parallel_multiple.json":
        "8863ea8433239f55c5f016154cf0830853c89f693c6ea270396a2fa121960579",
    "possible_answer/BFCL_v4_parallel_multiple.json":
        "5ebf24f458c1f16300c05505d83d6f0a1b68b79be273a033febd0d4f840507e3",
}
