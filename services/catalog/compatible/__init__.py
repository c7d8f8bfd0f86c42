"""The read API of Backstage's catalog, so that tools written for it can be pointed here.

`facts` says what can be asked about an entity, `filtering` reads questions, `ordering` and `cursors` turn
pages, `shaping` writes entities as Backstage does.
"""
