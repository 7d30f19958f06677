# Least-privilege policy for the agency of an ECS or for a trust agency that
# services assume. Run Terraform or OpenTofu as an administrator of the account:
#
#   terraform init && terraform apply
#
# Written from the provider's documentation; not yet applied to an account. Review
# the output of `terraform plan` first.

terraform {
  required_providers {
    huaweicloud = {
      source = "huaweicloud/huaweicloud"
    }
  }
}

variable "name" {
  description = "Name of the policy and of the trust agency."
  type        = string
  default     = "huaweicloud_workspace_exporter"
}

variable "ecs_agency_id" {
  description = "ID of the agency of the ECS that runs the exporter. The agency delegates to the cloud service ECS. Optional."
  type        = string
  default     = ""
}

variable "trusted_services" {
  description = "Service principals that may assume a trust agency, such as CCE for pod identity, in the form service.NAME."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for s in var.trusted_services : can(regex("^service\\.[A-Za-z0-9-]{1,56}$", s))])
    error_message = "Write each principal as service.NAME."
  }
}

resource "huaweicloud_identity_policy" "exporter" {
  name            = var.name
  description     = "Read-only access of huaweicloud_workspace_exporter to desktops and their networks."
  policy_document = file("${path.module}/policy.json")
}

# An ECS supports agencies only, not trust agencies.
resource "huaweicloud_identity_policy_agency_attach" "ecs" {
  count = var.ecs_agency_id == "" ? 0 : 1

  agency_id = var.ecs_agency_id
  policy_id = huaweicloud_identity_policy.exporter.id
}

resource "huaweicloud_identity_trust_agency" "services" {
  count = length(var.trusted_services) > 0 ? 1 : 0

  name         = var.name
  description  = "huaweicloud_workspace_exporter running in a service"
  policy_names = [huaweicloud_identity_policy.exporter.name]
  trust_policy = templatefile("${path.module}/trust.json.tftpl", { services = var.trusted_services })
}

output "trust_agency" {
  description = "Name of the trust agency to associate with the service account."
  value       = one(huaweicloud_identity_trust_agency.services[*].name)
}
