{{/* The names of the release's objects. Any may be 123 or no: where one is a whole value, toYaml quotes what would be no text. */}}
{{- define "curfew.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* 52 characters at most: suffixes follow, and a Service's name has 63. It begins with a letter (DNS-1035). */}}
{{- define "curfew.fullname" -}}
{{- $name := include "curfew.unchecked" . }}
{{- if not (regexMatch "^[a-z]" $name) }}
{{- fail (printf "the objects would be called %s, and a Service's name must begin with a letter: set fullnameOverride" $name) }}
{{- end }}
{{- $name }}
{{- end }}

{{- define "curfew.unchecked" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := include "curfew.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "curfew.selectorLabels" -}}
app.kubernetes.io/name: {{ include "curfew.name" . | toYaml }}
app.kubernetes.io/instance: {{ toYaml .Release.Name }}
{{- end }}

{{/* The chart's own labels win over those of the values. */}}
{{- define "curfew.labels" -}}
{{- $own := include "curfew.selectorLabels" . | fromYaml }}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion }}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service }}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") }}
{{- toYaml (merge $own .Values.commonLabels) }}
{{- end }}

{{/* Without the chart's version: a new chart alone rolls no pods. */}}
{{- define "curfew.podLabels" -}}
{{- toYaml (merge (include "curfew.selectorLabels" . | fromYaml) .Values.podLabels .Values.commonLabels) }}
{{- end }}

{{- define "curfew.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "curfew.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The Secret with the serving certificate, whoever makes it. */}}
{{- define "curfew.certificateSecret" -}}
{{- if eq .Values.certificates.source "secret" }}
{{- required "certificates.source is secret: certificates.secret.name must name a Secret of type kubernetes.io/tls" .Values.certificates.secret.name }}
{{- else if eq .Values.certificates.source "certManager" }}
{{- printf "%s-certificate" (include "curfew.fullname" .) }}
{{- else }}
{{- printf "%s-tls" (include "curfew.fullname" .) }}
{{- end }}
{{- end }}

{{/* An image's reference. Takes a list: the image's values, the default tag. */}}
{{- define "curfew.image" -}}
{{- $image := index . 0 }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository (default (index . 1) $image.tag) }}
{{- end }}
{{- end }}
