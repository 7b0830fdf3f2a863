#!/bin/sh
# The application as its author submits it, into a namespace of the mesh. Istio's label comes by the pod templates.
exec spark-submit \
  --master k8s://https://kubernetes.example:6443 \
  --deploy-mode cluster \
  --name orders-by-day \
  --class shop.OrdersByDay \
  --conf spark.kubernetes.namespace=shop \
  --conf spark.kubernetes.container.image=apache/spark:4.0.1 \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=spark \
  --conf spark.kubernetes.driver.label.sidecar.istio.io/inject=true \
  local:///opt/shop/orders.jar
