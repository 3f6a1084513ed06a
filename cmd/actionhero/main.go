// Command actionhero is a server without code of an app. It serves the built-in actions over every transport. It also
// serves the files in ./public, or the embedded start page. Its responses are those of the original actionHero, with
// JSONP and the params of the request. Its commands generate and sync make and extend apps.
package main

import (
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/web"
)

func main() { cli.Main(builtin.Stock, web.Original, kit) }
