"""The help desk in Slack: what comes in becomes words and steps of tickets by the one door; what happens to
tickets is said there. Effects run all of it; nothing is said to the outside within a transaction.
"""
