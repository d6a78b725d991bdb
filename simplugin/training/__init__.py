"""Training of the bundled starter model.

Fine-tuning takes from here how a table becomes int8. The rest is imported by nothing: only it needs the teacher, which
`pip install 'simplugin[train]'` adds. `python -m simplugin.training.starter --help` shows the calls.
"""
