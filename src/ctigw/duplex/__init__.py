"""Two daemons, side A and side B, one of which acts (design 3, issue of the pair; engineering G).

`manager` decides and is pure; `store` says what the pair asks of its store and `etcd_store` is that store; `driver`
carries steps and answers between them and a gateway.
"""
