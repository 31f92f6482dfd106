//go:build tools

// Package charts pins the program that renders Helm charts; nothing here is compiled as it stands.
package charts

import (
	_ "helm.sh/helm/v3/cmd/helm"
)
