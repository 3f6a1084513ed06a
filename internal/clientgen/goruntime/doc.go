// Package goruntime is the part of a client in Go that is the same for each app. Package clientgen copies its files, except
// this one, into the package of the client. So it imports the standard library alone.
package goruntime
