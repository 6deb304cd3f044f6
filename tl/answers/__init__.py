"""What a model says to the questions of `tl.bench`: asked in batches, kept as it comes, read.

    model        a model directory, ready to answer
    asking       which questions go together, and the one loop over them
    likelihood   which of several continuations is the likeliest
    journal      the replies of an evaluation on its way, which a killed one goes on from
    reading      replies as the records that are scored
"""
