// Package conformance has only tests. They compare the contract of an app with the app: validators that others have
// written judge the JSON Schemas and the documents, and the server judges the same requests. It is a module of its own, so
// that the product does not depend on the validators.
package conformance
