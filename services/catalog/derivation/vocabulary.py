"""The words that decide: what keys speak of addresses, which hosts are nobody's, what files tell nothing."""


def _set(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in text.split())


def endings(text: str) -> tuple[str, ...]:
    return tuple(f".{word}" for word in text.split())


# The last word of a key under which a bare name is a host.
ADDRESS = _set(
    "host hosts hostname hostnames addr addrs address addresses url urls uri uris endpoint endpoints",
    "server servers broker brokers bootstrap upstream upstreams connection connections connectionstring",
    "dsn connectionstrings peers seeds nodes authority defaultzone zone proxy targets wait dependencies",
    "fqdn baseurl serviceurl apiurl jdbcurl hostport serveraddr hostaddr h slaveof replicaof masterhost",
)
# Words that may follow them: HOST_PRIMARY, BROKERS_LIST.
QUALIFIER = _set(
    "list internal primary secondary default main master slave replica read write reader writer ro rw",
    "grpc http https rest tcp api dev prod production staging local docker value string strings",
)
# A value under these is about somebody else's way in, about oneself, or about no address at all.
MUTE = _set(
    "cors allowed origins redirect redirects callback trusted whitelist allowlist advertised advertise",
    "noproxy virtual cookie csrf xmlns annotation annotations labels liveness readiness listen bind",
    "schemalocation",
)
# An outside host under these is something to read or to pull, not something that is called.
MUTE_OUTSIDE = _set(
    "image images license licence homepage avatar logo icon favicon documentation docs doc help website",
    "label repository repo source download public external mirror mirrors npm pip maven",
)
NO_PAIR = _set(
    "version tag digest time date duration ratio mapping id uuid sha password secret token",
)
TECHNOLOGY = _set(
    "redis mongo mongodb mysql mariadb postgres postgresql rabbitmq rabbit amqp kafka nats memcached",
    "elasticsearch elastic opensearch cassandra zookeeper etcd consul vault zipkin jaeger minio",
    "influxdb",
)
# The last words of a key under which an outside URL is one that is called.
OUTSIDE = _set(
    "gateway webhook api issuer service backend authority sink remote",
)
# Schemes whose first part is no host.
NO_HOST = _set(
    "file classpath data s3 s3a s3n gs gcs oci docker spiffe urn about mailto jar unix npipe sqlite arn",
    "secret sm inmemory memory local projects docker-image git+ssh unixgram vscode chrome-extension app",
)
# Commands that wait for a host.
CALLS = _set(
    "nc ncat netcat telnet nslookup ping wait-for wait-for-it wait-for-it.sh dockerize",
)
# Oneself, the machine below, the cluster's own interface.
LOCAL = _set(
    "localhost 0.0.0.0 :: host.docker.internal docker.for.mac.localhost docker.for.win.localhost",
    "gateway.docker.internal host.minikube.internal host.containers.internal localhost.localdomain",
    "metadata.google.internal 169.254.169.254 instance-data kubernetes kubernetes.default",
    "kubernetes.default.svc kubernetes.default.svc.cluster.local upstream.invalid",
)
# Top-level names that the wider world or a company's own DNS answers.
ZONES = _set(
    "com net org io dev app cloud co edu gov info biz ai eu us uk de fr nl ch at se no dk fi es it pl",
    "cz jp cn in br ru au ca nz kr sg ie be pt tech online store shop site xyz me tv gg internal corp",
    "lan intra int",
)
# Words of names that tell nobody from anybody.
COMMON_NAMES = _set("service svc api app server web ms microservice backend worker deployment")
COMPOSE_KEYS = _set(
    "image build environment ports depends_on links volumes command env_file extends",
)
SKIPPED_FOLDERS = _set(
    ".git node_modules .venv venv __pycache__ .terraform .tox .mypy_cache .idea .gradle",
)
NOT_WANTED = _set(
    "package-lock.json package.json composer.json composer.lock pnpm-lock.yaml yarn.lock tsconfig.json",
)
