"""Training of the bundled starter model.

`simplugin finetune distill` runs it; `pip install 'simplugin[train]'` adds the teacher. Fine-tuning takes from here as
well how a table becomes int8.
"""
