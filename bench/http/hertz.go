package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	hertz "github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/hlog"
)

func init() {
	peers["hertz"] = func(addr string) error {
		return serveHertz(addr, func(h *hertz.Hertz) {
			h.GET(path, func(_ context.Context, c *app.RequestContext) {
				begun := time.Now()
				limit, _ := strconv.Atoi(c.Query("limit"))
				offset, _ := strconv.Atoi(c.Query("offset"))
				c.Header("X-Powered-By", poweredBy)
				c.JSON(http.StatusOK, newAnswer(begun, hostOf(c.RemoteAddr().String()), limit, offset))
			})
		})
	}
	peers["hertz, POST"] = func(addr string) error {
		return serveHertz(addr, func(h *hertz.Hertz) {
			h.POST(postPath, func(_ context.Context, c *app.RequestContext) {
				begun := time.Now()
				var o purchase
				if err := errors.Join(c.BindJSON(&o), o.check()); err != nil {
					c.String(http.StatusBadRequest, err.Error())
					return
				}
				c.JSON(http.StatusOK, newPostAnswer(begun, hostOf(c.RemoteAddr().String()), o))
			})
		})
	}
}

func serveHertz(addr string, routes func(*hertz.Hertz)) error {
	hlog.SetLevel(hlog.LevelFatal)
	h := hertz.New(hertz.WithHostPorts(addr), hertz.WithDisablePrintRoute(true))
	routes(h)
	return h.Run()
}
