// Package js holds the JavaScript client of this module. A server serves its files at /public/javascript/, and npm packs
// the folder of this package.
package js

import _ "embed"

// The client, an ES module without dependencies, and its types.
var (
	//go:embed actionhero.js
	Script []byte
	//go:embed actionhero.d.ts
	Types []byte
)
