// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "strings"

// The variables that FromEnvironment reads. All but the region's are the SDK's.
const (
	envRegion        = "HUAWEICLOUD_REGION"
	EnvAccessKey     = "HUAWEICLOUD_SDK_AK"
	EnvSecretKey     = "HUAWEICLOUD_SDK_SK"
	EnvSecurityToken = "HUAWEICLOUD_SDK_SECURITY_TOKEN"
	EnvIDPID         = "HUAWEICLOUD_SDK_IDP_ID"
	EnvIDTokenFile   = "HUAWEICLOUD_SDK_ID_TOKEN_FILE"
	envProjectID     = "HUAWEICLOUD_SDK_PROJECT_ID"
	EnvIAMEndpoint   = "HUAWEICLOUD_SDK_IAM_ENDPOINT"
	envEndpoint      = "HUAWEICLOUD_SDK_REGION_WORKSPACE_" // and the region
)

// FromEnvironment makes the configuration of one project, named after its
// region, from environment variables alone. The region is told by the flag
// --region, or else by HUAWEICLOUD_REGION. Its credentials stay in the
// environment, SourceEnvironment; where it holds none, they are left to the
// rest of the SDK's chain. An error is of type Errors.
func FromEnvironment(getenv func(string) string, region string, options Options) (*Config, error) {
	k := checker{newErrorList("environment"), options}
	if region == "" {
		region = getenv(envRegion)
	}
	p := Project{Name: region, Region: region, ProjectID: getenv(envProjectID)}
	p.setDefaults()
	p.Credentials.Source = SourceChain
	if k.environmentCredentials(getenv) {
		p.Credentials.Source = SourceEnvironment
	}
	p.IAMEndpoint = getenv(EnvIAMEndpoint)
	if p.IAMEndpoint != "" {
		p.IAMEndpoint = NormalizeEndpoint(p.IAMEndpoint)
	}

	if region == "" {
		k.add(envRegion, "is missing; set it or --region to a region's ID, such as la-north-2, or name a file by --config.file")
	} else {
		variable := envEndpoint + strings.ToUpper(strings.ReplaceAll(region, "-", "_"))
		k.region(envRegion, region, true, "set "+variable+" to its endpoint")
	}
	k.projectID(envProjectID, p.ProjectID)
	k.endpoint(EnvIAMEndpoint, p.IAMEndpoint)

	c := &Config{Projects: []Project{p}}
	c.setDefaults()
	c.applyDerivedDefaults("", k.isSet)
	if err := k.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// environmentCredentials checks the credentials in the environment, and says whether
// there are some.
func (k *checker) environmentCredentials(getenv func(string) string) bool {
	both := func(one, other string) {
		if getenv(one) == "" {
			k.add(one, "is missing; set it, as it belongs to %s", other)
		}
	}
	key := getenv(EnvAccessKey)+getenv(EnvSecretKey)+getenv(EnvSecurityToken) != ""
	if key {
		both(EnvAccessKey, EnvSecretKey)
		both(EnvSecretKey, EnvAccessKey)
	}
	for _, name := range []string{EnvAccessKey, EnvSecretKey, EnvSecurityToken} {
		k.credentialText(name, getenv(name))
	}
	oidc := getenv(EnvIDPID)+getenv(EnvIDTokenFile) != ""
	if oidc {
		both(EnvIDPID, EnvIDTokenFile)
		both(EnvIDTokenFile, EnvIDPID)
	}
	if file := getenv(EnvIDTokenFile); file != "" {
		k.secretFile(EnvIDTokenFile, file)
	}
	return key || oidc
}
