"""Custom resources that stand for something running, and the host names their operators give it."""

from dataclasses import dataclass

from services.catalog.derivation.model import Kind


@dataclass(frozen=True)
class Managed:
    kind: Kind
    hosts: tuple[str, ...]
    ports: tuple[int, ...] = ()
    group: str = ""


MANAGED = {
    "Cluster": Managed("datastore", ("{name}-rw", "{name}-ro", "{name}-r"), (5432,), "cnpg"),
    "postgresql": Managed("datastore", ("{name}", "{name}-repl"), (5432,)),
    "PostgresCluster": Managed(
        "datastore", ("{name}-primary", "{name}-replicas", "{name}-pgbouncer"), (5432,)
    ),
    "MongoDBCommunity": Managed("datastore", ("{name}-svc",), (27017,)),
    "PerconaServerMongoDB": Managed("datastore", ("{name}-rs0", "{name}-mongos"), (27017,)),
    "PerconaXtraDBCluster": Managed(
        "datastore", ("{name}-haproxy", "{name}-proxysql", "{name}-pxc"), (3306,)
    ),
    "InnoDBCluster": Managed("datastore", ("{name}",), (3306, 6446)),
    "MariaDB": Managed("datastore", ("{name}", "{name}-primary"), (3306,)),
    "Redis": Managed("datastore", ("{name}",), (6379,)),
    "RedisCluster": Managed("datastore", ("{name}-leader", "{name}-follower"), (6379,)),
    "RedisFailover": Managed("datastore", ("rfs-{name}", "rfr-{name}", "rfrm-{name}"), (6379, 26379)),
    "Elasticsearch": Managed("datastore", ("{name}-es-http",), (9200,)),
    "CassandraDatacenter": Managed("datastore", ("{name}-service",), (9042,)),
    "Tenant": Managed("datastore", ("minio", "{name}-hl"), (9000,)),
    "Kafka": Managed("queue", ("{name}-kafka-bootstrap", "{name}-kafka-brokers"), (9092, 9093)),
    "RabbitmqCluster": Managed("queue", ("{name}", "{name}-nodes"), (5672,)),
    "Jaeger": Managed("telemetry", ("{name}-collector", "{name}-agent", "{name}-query"), (14268, 4317, 6831)),
    "OpenTelemetryCollector": Managed("telemetry", ("{name}-collector",), (4317, 4318)),
    "Kibana": Managed("telemetry", ("{name}-kb-http",), (5601,)),
    "Keycloak": Managed("service", ("{name}-service",), (8080, 8443)),
}
