package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v3"
	"github.com/labstack/echo/v5"
	"github.com/valyala/fasthttp"
)

const path = "/api/randomNumber"

// poweredBy is a header of the product, which every peer sends as well.
const poweredBy = "actionHero API"

// peers serve the same request, each with its own framework: they read two parameters and encode the same JSON.
var peers = map[string]func(addr string) error{
	"net/http": func(addr string) error {
		mux := http.NewServeMux()
		mux.HandleFunc("GET "+path, plain)
		return http.ListenAndServe(addr, mux)
	},
	"chi": func(addr string) error {
		r := chi.NewRouter()
		r.Get(path, plain)
		return http.ListenAndServe(addr, r)
	},
	"gin": func(addr string) error {
		gin.SetMode(gin.ReleaseMode)
		r := gin.New()
		r.GET(path, func(c *gin.Context) {
			begun := time.Now()
			limit, _ := strconv.Atoi(c.Query("limit"))
			offset, _ := strconv.Atoi(c.Query("offset"))
			c.Header("X-Powered-By", poweredBy)
			c.JSON(200, newAnswer(begun, c.RemoteIP(), limit, offset))
		})
		return http.ListenAndServe(addr, r)
	},
	"echo": func(addr string) error {
		e := echo.New()
		e.GET(path, func(c *echo.Context) error {
			begun := time.Now()
			limit, _ := strconv.Atoi(c.QueryParam("limit"))
			offset, _ := strconv.Atoi(c.QueryParam("offset"))
			c.Response().Header().Set("X-Powered-By", poweredBy)
			return c.JSON(200, newAnswer(begun, c.RealIP(), limit, offset))
		})
		return http.ListenAndServe(addr, e)
	},
	"huma": func(addr string) error {
		r := chi.NewRouter()
		huma.Get(humachi.New(r, huma.DefaultConfig("bench", "0.1.0")), path, func(_ context.Context, in *humaInput) (*humaOutput, error) {
			return &humaOutput{poweredBy, newAnswer(time.Now(), in.address, in.Limit, in.Offset)}, nil
		})
		return http.ListenAndServe(addr, r)
	},
	"fiber": func(addr string) error {
		app := fiber.New()
		app.Get(path, func(c fiber.Ctx) error {
			begun := time.Now()
			limit, _ := strconv.Atoi(c.Query("limit"))
			offset, _ := strconv.Atoi(c.Query("offset"))
			c.Set("X-Powered-By", poweredBy)
			return c.JSON(newAnswer(begun, c.IP(), limit, offset))
		})
		return app.Listen(addr, fiber.ListenConfig{DisableStartupMessage: true})
	},
	"fasthttp + append": func(addr string) error {
		return fasthttp.ListenAndServe(addr, func(ctx *fasthttp.RequestCtx) {
			begun := time.Now()
			args := ctx.QueryArgs()
			limit, _ := args.GetUint("limit")
			offset, _ := args.GetUint("offset")
			ctx.Response.Header.Set("X-Powered-By", poweredBy)
			ctx.SetContentType("application/json")
			a := newAnswer(begun, ctx.RemoteIP().String(), limit, offset)
			ctx.Response.SetBodyRaw(a.append(make([]byte, 0, 512)))
		})
	},
	"fasthttp": func(addr string) error {
		return fasthttp.ListenAndServe(addr, func(ctx *fasthttp.RequestCtx) {
			begun := time.Now()
			args := ctx.QueryArgs()
			limit, _ := args.GetUint("limit")
			offset, _ := args.GetUint("offset")
			body, err := json.Marshal(newAnswer(begun, ctx.RemoteIP().String(), limit, offset))
			if err != nil {
				ctx.Error(err.Error(), 500)
				return
			}
			ctx.Response.Header.Set("X-Powered-By", poweredBy)
			ctx.SetContentType("application/json")
			ctx.SetBody(body)
		})
	},
}

type humaInput struct {
	remote
	Limit  int `query:"limit" minimum:"0"`
	Offset int `query:"offset" minimum:"0"`
}

// remote is the address of the client, for huma.
type remote struct{ address string }

func (r *remote) Resolve(ctx huma.Context) []error {
	r.address = hostOf(ctx.RemoteAddr())
	return nil
}

func hostOf(address string) string {
	host, _, _ := net.SplitHostPort(address)
	return host
}

type humaOutput struct {
	PoweredBy string `header:"X-Powered-By"`
	Body      answer
}

func plain(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	query := r.URL.Query()
	limit, _ := strconv.Atoi(query.Get("limit"))
	offset, _ := strconv.Atoi(query.Get("offset"))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Powered-By", poweredBy)
	if err := json.NewEncoder(w).Encode(newAnswer(begun, hostOf(r.RemoteAddr), limit, offset)); err != nil {
		panic(err) // the values always encode
	}
}
