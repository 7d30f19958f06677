{{- define "exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "exporter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "exporter.labels" -}}
{{ include "exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "exporter.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "exporter.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Name of the Secret with web.yml, or an empty string. */}}
{{- define "exporter.webSecret" -}}
{{- if .Values.web.existingSecret }}
{{- .Values.web.existingSecret }}
{{- else if .Values.web.config }}
{{- printf "%s-web" (include "exporter.fullname" .) }}
{{- end }}
{{- end }}

{{/* Prefix of all paths: an empty string, or a path such as /exporter. */}}
{{- define "exporter.prefix" -}}
{{- if .Values.web.routePrefix }}
{{- .Values.web.routePrefix | trimSuffix "/" }}
{{- else if .Values.web.externalUrl }}
{{- (urlParse .Values.web.externalUrl).path | trimSuffix "/" }}
{{- end }}
{{- end }}

{{/* Flags of the HTTP server; --healthcheck needs the same flags. */}}
{{- define "exporter.webArgs" -}}
{{- with include "exporter.webSecret" . }}
- --web.config.file=/etc/huaweicloud_workspace_exporter_web/web.yml
{{- end }}
{{- with .Values.web.externalUrl }}
- {{ printf "--web.external-url=%s" . | quote }}
{{- end }}
{{- with .Values.web.routePrefix }}
- {{ printf "--web.route-prefix=%s" . | quote }}
{{- end }}
{{- end }}

{{/* Rejects conflicting values, and secrets in a ConfigMap. */}}
{{- define "exporter.check" -}}
{{- if and .Values.config .Values.existingConfigMap }}
{{- fail "config and existingConfigMap exclude each other" }}
{{- end }}
{{- if and .Values.demo (or .Values.config .Values.existingConfigMap .Values.credentials.existingSecret) }}
{{- fail "demo excludes config, existingConfigMap and credentials.existingSecret" }}
{{- end }}
{{- if not (or .Values.demo .Values.config .Values.existingConfigMap) }}
{{- fail "nothing to export: set config, existingConfigMap, or demo=true" }}
{{- end }}
{{- if and .Values.web.config .Values.web.existingSecret }}
{{- fail "web.config and web.existingSecret exclude each other" }}
{{- end }}
{{- if and .Values.web.tlsSecret (not (include "exporter.webSecret" .)) }}
{{- fail "web.tlsSecret needs web.config or web.existingSecret, which name its files" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}
{{- fail "ingress.host is missing" }}
{{- end }}
{{- range $list := list "projects" "accounts" }}
{{- range $i, $entry := (index $.Values.config $list) }}
{{- $at := printf "config.%s[%d]" $list $i }}
{{- range $key := list "secret_key" "security_token" }}
{{- if hasKey (default dict $entry.credentials) $key }}
{{- include "exporter.refuse" (dict "at" (printf "%s.credentials.%s" $at $key) "instead" (printf "%s_file" $key)) }}
{{- end }}
{{- end }}
{{- include "exporter.checkHTTP" (dict "at" $at "http" (default dict $entry.http)) }}
{{- end }}
{{- end }}
{{- $hook := default dict (default dict .Values.config.changes).webhook }}
{{- if hasKey $hook "url" }}
{{- include "exporter.refuse" (dict "at" "config.changes.webhook.url" "instead" "url_file") }}
{{- end }}
{{- if hasKey $hook "headers" }}
{{- include "exporter.refuse" (dict "at" "config.changes.webhook.headers" "instead" "authorization.credentials_file") }}
{{- end }}
{{- if hasKey (default dict $hook.authorization) "credentials" }}
{{- include "exporter.refuse" (dict "at" "config.changes.webhook.authorization.credentials" "instead" "credentials_file") }}
{{- end }}
{{- include "exporter.checkHTTP" (dict "at" "config.changes.webhook" "http" (default dict $hook.http)) }}
{{- end }}

{{- define "exporter.checkHTTP" -}}
{{- if hasKey (default dict .http.tls_config) "key" }}
{{- include "exporter.refuse" (dict "at" (printf "%s.http.tls_config.key" .at) "instead" "key_file") }}
{{- end }}
{{- if contains "@" (default "" .http.proxy_url) }}
{{- include "exporter.refuse" (dict "at" (printf "%s.http.proxy_url" .at) "instead" "HTTPS_PROXY of extraEnv") }}
{{- end }}
{{- if .http.proxy_connect_header }}
{{- include "exporter.refuse" (dict "at" (printf "%s.http.proxy_connect_header" .at) "instead" "HTTPS_PROXY of extraEnv") }}
{{- end }}
{{- end }}

{{- define "exporter.refuse" -}}
{{- fail (printf "%s: a ConfigMap must not contain a secret; use %s, and credentials.existingSecret for files" .at .instead) }}
{{- end }}
