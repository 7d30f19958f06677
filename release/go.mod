module github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/release

go 1.26.7

replace github.com/huaweicloud-exporters/huaweicloud_workspace_exporter => ../

require (
	github.com/CycloneDX/cyclonedx-go v0.12.0
	github.com/google/go-cmp v0.7.0
	github.com/xeipuuv/gojsonschema v1.2.0
)

require (
	github.com/huaweicloud-exporters/huaweicloud_workspace_exporter v0.0.0-00010101000000-000000000000
	github.com/xeipuuv/gojsonpointer v0.0.0-20180127040702-4e3ac2762d5f // indirect
	github.com/xeipuuv/gojsonreference v0.0.0-20180127040603-bd5ef7bd5415 // indirect
)
