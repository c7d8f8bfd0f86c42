"""What labels, images and operators mean, as tables; a source may name other labels."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Json = Mapping[str, Any]

ENTITY: Final = "slipway.dev/entity"
IDENTITY: Final = "slipway.dev/id"
KUBERNETES_ID: Final = "backstage.io/kubernetes-id"
APP_NAME: Final = "app.kubernetes.io/name"
APP_INSTANCE: Final = "app.kubernetes.io/instance"
APP_PART: Final = "app.kubernetes.io/component"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"

# Which labels or annotations say a field, the first that is there. People edit these on the source.
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "owner": ("slipway.dev/owner", "slipway.dev/team", "app.kubernetes.io/team", "team", "owner"),
    "system": ("slipway.dev/system", "app.kubernetes.io/part-of"),
    "lifecycle": ("slipway.dev/lifecycle",),
    "type": ("slipway.dev/type",),
    "title": ("slipway.dev/title",),
    "description": ("slipway.dev/description", "kubernetes.io/description"),
}

WORKLOADS: Final = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
QUIET_NAMESPACES: Final = (
    "kube-*", "*-system", "cert-manager", "ingress-nginx", "argocd", "gatekeeper-*", "olm", "openshift*",
)  # fmt: skip
# `app.kubernetes.io/managed-by` of helpers that an operator set up for itself.
QUIET_MANAGERS: Final = ("*operator", "*-controller", "olm", "addon-manager", "eks", "gke", "aks")

CACHES: Final = {
    "redis", "redis-stack", "redis-stack-server", "redis-sentinel", "redis-cluster", "valkey", "keydb",
    "dragonfly", "memcached", "hazelcast", "ignite",
}  # fmt: skip
STORES: Final = {"minio", "azurite"}
# What nothing else listens on, where it is the only port; but for what stands in front of databases.
PORTS: Final = {
    "3306": "database", "5432": "database", "27017": "database", "9042": "database", "1433": "database",
    "6379": "cache", "11211": "cache", "5672": "queue", "4222": "queue", "9092": "queue",
}  # fmt: skip
POOLERS: Final = re.compile(r"pgbouncer|pgpool|pgcat|proxy|router|twemproxy|envoy|exporter|tunnel|socat")
RESOURCES: Final = ("database", "cache", "queue", "object-store", "topic", "bucket")
# What `app.kubernetes.io/component` calls a part, and the type it is here.
PARTS: Final = {
    "database": "database", "db": "database", "cache": "cache", "queue": "queue", "broker": "queue",
    "message-broker": "queue", "worker": "worker", "consumer": "worker", "scheduler": "worker",
    "cron": "job", "job": "job", "frontend": "website", "website": "website",
}  # fmt: skip

# API group and kind of what operators run for people, and what it is.
OPERATED: Final = {
    ("postgresql.cnpg.io", "Cluster"): "database",
    ("acid.zalan.do", "postgresql"): "database",
    ("postgres-operator.crunchydata.com", "PostgresCluster"): "database",
    ("pgv2.percona.com", "PerconaPGCluster"): "database",
    ("pxc.percona.com", "PerconaXtraDBCluster"): "database",
    ("psmdb.percona.com", "PerconaServerMongoDB"): "database",
    ("ps.percona.com", "PerconaServerMySQL"): "database",
    ("mongodbcommunity.mongodb.com", "MongoDBCommunity"): "database",
    ("mongodb.com", "MongoDB"): "database",
    ("mysql.oracle.com", "InnoDBCluster"): "database",
    ("moco.cybozu.com", "MySQLCluster"): "database",
    ("k8s.mariadb.com", "MariaDB"): "database",
    ("planetscale.com", "VitessCluster"): "database",
    ("pingcap.com", "TidbCluster"): "database",
    ("cassandra.datastax.com", "CassandraDatacenter"): "database",
    ("k8ssandra.io", "K8ssandraCluster"): "database",
    ("scylla.scylladb.com", "ScyllaCluster"): "database",
    ("crdb.cockroachlabs.com", "CrdbCluster"): "database",
    ("clickhouse.altinity.com", "ClickHouseInstallation"): "database",
    ("database.arangodb.com", "ArangoDeployment"): "database",
    ("elasticsearch.k8s.elastic.co", "Elasticsearch"): "database",
    ("opensearch.opster.io", "OpenSearchCluster"): "database",
    ("redis.redis.opstreelabs.in", "Redis"): "cache",
    ("redis.redis.opstreelabs.in", "RedisCluster"): "cache",
    ("redis.redis.opstreelabs.in", "RedisReplication"): "cache",
    ("databases.spotahome.com", "RedisFailover"): "cache",
    ("app.redislabs.com", "RedisEnterpriseCluster"): "cache",
    ("dragonflydb.io", "Dragonfly"): "cache",
    ("hyperspike.io", "Valkey"): "cache",
    ("rabbitmq.com", "RabbitmqCluster"): "queue",
    ("kafka.strimzi.io", "Kafka"): "queue",
    ("cluster.redpanda.com", "Redpanda"): "queue",
    ("nats.io", "NatsCluster"): "queue",
    ("broker.amq.io", "ActiveMQArtemis"): "queue",
    ("pulsar.streamnative.io", "PulsarBroker"): "queue",
    ("minio.min.io", "Tenant"): "object-store",
    ("kubedb.com", "Postgres"): "database",
    ("kubedb.com", "MySQL"): "database",
    ("kubedb.com", "MariaDB"): "database",
    ("kubedb.com", "MongoDB"): "database",
    ("kubedb.com", "Elasticsearch"): "database",
    ("kubedb.com", "Redis"): "cache",
    ("kubedb.com", "Memcached"): "cache",
    ("kubedb.com", "Kafka"): "queue",
    ("kubedb.com", "RabbitMQ"): "queue",
}
# Sets of pods that an operator makes in between: the label names what people made.
BETWEEN: Final = {("core.strimzi.io", "StrimziPodSet"): ("strimzi.io/cluster", "kafka.strimzi.io", "Kafka")}


@dataclass(frozen=True)
class Rules:
    """What one source takes in, and which labels say what. `fields` has a row for each of FIELDS."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: FIELDS)
    helpers: bool = False
    apart: bool = False
    """Namespaces are worlds of their own: the same name in two of them is two things."""


@dataclass(frozen=True)
class Seen:
    """An object of the picture, and the entity that the watcher takes it for; empty for none."""

    manifest: Json
    entity_ref: str = ""
