// Serves the contract's REST by grpc-gateway: `grpc_gateway SERVER LISTEN`. A test asks it the same as Envoy.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	threedv1 "github.com/threed-dev/threed/clients/go/threed/v1"
)

func main() {
	server, listen := os.Args[1], os.Args[2]
	mux := runtime.NewServeMux()
	plain := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	for _, register := range []func(context.Context, *runtime.ServeMux, string, []grpc.DialOption) error{
		threedv1.RegisterAssetServiceHandlerFromEndpoint,
		threedv1.RegisterRenderServiceHandlerFromEndpoint,
		threedv1.RegisterSceneServiceHandlerFromEndpoint,
		threedv1.RegisterSystemServiceHandlerFromEndpoint,
		threedv1.RegisterUploadServiceHandlerFromEndpoint,
	} {
		if err := register(context.Background(), mux, server, plain); err != nil {
			log.Fatal(err)
		}
	}
	log.Fatal(http.ListenAndServe(listen, mux))
}
