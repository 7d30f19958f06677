# The least-privilege policy, for the agency of an ECS or for a trust agency that
# services assume. With Terraform or OpenTofu, as an administrator of the account:
#
#   terraform init && terraform apply
#
# Written after the provider's documentation; nobody has applied it to an account
# yet. What it makes is told by `terraform plan`.

terraform {
  required_providers {
    huaweicloud = {
      source = "huaweicloud/huaweicloud"
    }
  }
}

variable "name" {
  description = "Of the policy and of the trust agency."
  type        = string
  default     = "huaweicloud_workspace_exporter"
}

variable "ecs_agency_id" {
  description = "The agency of the ECS that the exporter runs on, if it does: one that delegates to the cloud service ECS."
  type        = string
  default     = ""
}

variable "trusted_services" {
  description = "Services that may assume a trust agency, such as CCE for its pod identity, by the names of their principals, which begin with service."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for s in var.trusted_services : can(regex("^service\\.[A-Za-z0-9-]{1,56}$", s))])
    error_message = "A principal is written as service.NAME."
  }
}

resource "huaweicloud_identity_policy" "exporter" {
  name            = var.name
  description     = "What huaweicloud_workspace_exporter asks: it reads desktops and their networks, and changes nothing."
  policy_document = file("${path.module}/policy.json")
}

# An ECS takes agencies only, not trust agencies.
resource "huaweicloud_identity_policy_agency_attach" "ecs" {
  count = var.ecs_agency_id == "" ? 0 : 1

  agency_id = var.ecs_agency_id
  policy_id = huaweicloud_identity_policy.exporter.id
}

resource "huaweicloud_identity_trust_agency" "services" {
  count = length(var.trusted_services) > 0 ? 1 : 0

  name         = var.name
  description  = "huaweicloud_workspace_exporter, run by a service"
  policy_names = [huaweicloud_identity_policy.exporter.name]
  trust_policy = templatefile("${path.module}/trust.json.tftpl", { services = var.trusted_services })
}

output "trust_agency" {
  description = "What to associate with the service account."
  value       = one(huaweicloud_identity_trust_agency.services[*].name)
}
