"""What something is, by its image, its name and its ports."""

import re
from collections.abc import Iterable

from services.catalog.derivation.model import Kind, Workload

IMAGES: dict[Kind, str] = {
    "datastore": "postgres postgresql postgis timescaledb mysql mysql-server mariadb mongo mongodb mongodb- "
    "community-server percona redis redis-stack redis-stack-server valkey keydb dragonfly memcached "
    "cassandra scylla scylladb elasticsearch opensearch minio couchdb couchbase neo4j influxdb "
    "cockroach cockroachdb clickhouse clickhouse-server mssql azure-sql-edge sqlserver oracle-xe "
    "oracle-free arangodb rethinkdb tarantool solr milvus qdrant weaviate dynamodb-local azurite "
    "spanner-emulator alloydb tidb tikv hazelcast ignite meilisearch typesense redis-sentinel redis- "
    "cluster postgresql-repmgr spilo surrealdb dgraph mongodb-sharded ravendb eventstore",
    "queue": "rabbitmq kafka cp-kafka cp-server redpanda nats nats-streaming activemq activemq-artemis "
    "artemis "
    "pulsar mosquitto emqx nsq beanstalkd elasticmq solace-pubsub-standard strimzi rocketmq emulator- "
    "pubsub",
    "telemetry": "otel-collector opentelemetry-collector opentelemetry-collector-contrib otelcol jaeger "
    "all-in-one "
    "jaeger-collector jaeger-agent jaeger-query zipkin zipkin-slim prometheus grafana loki promtail "
    "tempo fluentd fluent-bit fluentbit logstash filebeat kibana statsd statsd-exporter graphite "
    "graphite-statsd telegraf alertmanager pushgateway victoria-metrics vector apm-server datadog- "
    "agent agent-datadog pyroscope mimir cadvisor node-exporter skywalking-oap-server skywalking-ui "
    "seq opensearch-dashboards kube-state-metrics heapster chronograf",
    "config": "consul vault etcd zookeeper cp-zookeeper eureka config-server nacos nacos-server apollo- "
    "configservice spring-cloud-config-server flagd unleash-server",
}
NAMED: dict[Kind, str] = {
    "datastore": r"(db|database|mysql|mongo|mongodb|postgres|postgresql|pgsql|redis|mariadb|memcached"
    r"|cassandra"
    r"|elasticsearch|influxdb|sqldata|sqlserver|valkey|sql-data|nosqldata|basketdata)",
    "queue": r"(rabbitmq|rabbit|kafka|nats|activemq|mosquitto|message-broker|broker|eventbus)",
    "telemetry": r"(jaeger|zipkin|prometheus|grafana|otel-collector|otelcol|opentelemetrycollector|otel-col"
    r"|tracing-server|loki|tempo|kibana|logstash|jaeger-(agent|collector|query)|pushgateway"
    r"|fluentd|fluent-bit)",
    "config": r"(consul|vault|etcd|zookeeper|eureka|config(-?(server|service))?|discovery-?(server|service)"
    r"|eureka-server|service-?(registry|discovery)|registry|nacos|flagd)",
}
PORTS: dict[int, Kind] = dict.fromkeys(
    (3306, 5432, 27017, 6379, 11211, 9042, 9200, 1433, 1521, 5984, 7687, 26257), "datastore"
)
PORTS |= dict.fromkeys((5672, 9092, 4222, 61616, 1883), "queue")
PORTS |= dict.fromkeys((9411, 14268, 14250, 6831, 4317, 4318), "telemetry")
PORTS |= dict.fromkeys((2379, 2181, 8500), "config")
HELPERS = re.compile(
    r"(exporter|operator|backup|commander|express|admin|ui|insight|client|migrat\w*|init|seed\w*"
    r"|setup|manager"
    r"|proxy|connect|rest|schema-registry|topics?|loader|generator|gen|test)\b"
)
BY_IMAGE: dict[str, Kind] = {name: kind for kind, names in IMAGES.items() for name in names.split()}
BY_NAME = [(re.compile(rf"(?:.*[-_.])?{names}(?:[-_]?\d+)?\Z"), kind) for kind, names in NAMED.items()]


def image_name(image: str) -> str:
    """`registry:5000/bitnami/redis:7@sha256:…` -> `redis`."""
    path = image.partition("@")[0]
    last = path.rpartition("/")[2].partition(":")[0].lower()
    if last in ("server", "agent", "community") and "/" in path:
        return path.split("/")[-2].lower()
    return last


def of_image(image: str) -> Kind | None:
    name = image_name(image)
    if name in BY_IMAGE:
        return BY_IMAGE[name]
    trimmed = re.sub(
        r"^(bitnami|library|docker|alpine|community|my|custom|rs)-|-(alpine|server|cluster|ha)$", "", name
    )
    return BY_IMAGE.get(trimmed)


def _of_name(name: str) -> Kind | None:
    return next((kind for pattern, kind in BY_NAME if pattern.match(name.lower())), None)


def _of_ports(ports: Iterable[int]) -> Kind | None:
    return next((PORTS[port] for port in sorted(ports) if port in PORTS), None)


def of_workload(workload: Workload) -> Kind:
    """What a workload is: by what it runs, else by what it is called and listens on."""
    if workload.kind:
        return workload.kind
    known = next((kind for image in workload.images[:1] if (kind := of_image(image))), None)
    if known:
        return known
    named = _of_name(workload.name)
    if named and not HELPERS.search(workload.name):
        return named
    by_port = _of_ports(workload.ports) if len(workload.ports) == 1 else None
    return by_port if by_port in ("datastore", "queue") else "service"
