"""The task as its author writes it: the operator's container is called base, and the proxy stands beside it."""

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes.client import models as k8s

proxy = k8s.V1Container(
    name="cloud-sql-proxy",
    image="gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.19.0",
    args=["--port=5432", "--health-check", "--http-address=0.0.0.0", "shop-project:europe-west1:shop"],
)

KubernetesPodOperator(
    task_id="load-orders",
    namespace="shop",
    image="registry.example/shop/load-orders:4",
    cmds=["load-orders"],
    arguments=["--database=127.0.0.1:5432", "--count-to=/airflow/xcom/return.json"],
    do_xcom_push=True,
    full_pod_spec=k8s.V1Pod(spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base"), proxy])),
)
