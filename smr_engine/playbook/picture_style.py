"""How a picture looks, on light paper and on dark. No variables: not every converter knows them."""

from __future__ import annotations

STYLE = """
.smr { font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
.smr text { fill: #1f2328; }
.smr .title { font-size: 14px; font-weight: 600; }
.smr .detail { font-size: 12px; fill: #4b535d; }
.smr .badge { font-size: 10px; font-weight: 600; letter-spacing: 0.08em; fill: #59636e; }
.smr .chip, .smr .label { font-size: 12px; fill: #4b535d; }
.smr .chip { text-anchor: middle; font-style: italic; }
.smr .close .title, .smr .close .detail { text-anchor: middle; }
.smr .paper { fill: #ffffff; }
.smr .way, .smr .back { fill: none; stroke: #6e7781; stroke-width: 1.5; }
.smr .back { stroke: #9a6700; stroke-dasharray: 5 4; }
.smr .tip { fill: #6e7781; }
.smr .step rect { fill: #ffffff; stroke: #afb8c1; stroke-width: 1.2; }
.smr .plate rect { fill: #eef1f4; stroke: #d0d7de; }
.smr .frame > rect { fill: #f6f8fa; stroke: #c5cdd5; stroke-width: 1.2; }
.smr .lane > rect { fill: #ffffff; stroke: #dde3e8; }
.smr .loop > rect { stroke-dasharray: 7 4; }
.smr .switch > rect { fill: #f3f2fb; stroke: #8a83d1; }
.smr .draft rect { fill: #f2f8ff; stroke: #7fb0e6; }
.smr .decision rect { fill: #efedfc; stroke: #6e5fc9; stroke-width: 1.6; }
.smr .notify rect { fill: #eef8fb; stroke: #5aa3b8; }
.smr .approval rect { fill: #fff4d1; stroke: #b8860b; stroke-width: 3; }
.smr .approval .badge { fill: #7d5a00; }
.smr .publish rect { fill: #dcf5e3; stroke: #1a7f37; stroke-width: 3; }
.smr .publish .badge { fill: #116329; }
.smr .close rect { fill: #e7eaee; stroke: #57606a; stroke-width: 1.6; }
@media (prefers-color-scheme: dark) {
.smr text { fill: #e6edf3; }
.smr .detail, .smr .chip, .smr .label { fill: #b3bdc8; }
.smr .badge { fill: #9aa5b1; }
.smr .paper { fill: #0d1117; }
.smr .way { stroke: #8b949e; }
.smr .back { stroke: #d29922; }
.smr .tip { fill: #8b949e; }
.smr .step rect { fill: #161b22; stroke: #484f58; }
.smr .plate rect { fill: #21262d; stroke: #363c44; }
.smr .frame > rect { fill: #11161d; stroke: #3d444d; }
.smr .lane > rect { fill: #0d1117; stroke: #2d333b; }
.smr .switch > rect { fill: #171629; stroke: #6e66b8; }
.smr .draft rect { fill: #10202f; stroke: #3f76b0; }
.smr .decision rect { fill: #201c3a; stroke: #8b80e0; }
.smr .notify rect { fill: #0f2229; stroke: #3d8196; }
.smr .approval rect { fill: #332701; stroke: #d29922; }
.smr .approval .badge { fill: #e3b341; }
.smr .publish rect { fill: #0d2a17; stroke: #2ea043; }
.smr .publish .badge { fill: #56d364; }
.smr .close rect { fill: #262c33; stroke: #8b949e; }
}
"""
