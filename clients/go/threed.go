// Package threed is the Go client of threed, an open-source backend for 3D assets.
//
// It dials, carries the token, and moves bytes in and out; everything else is called through the generated stubs, whose
// messages are in the package threed/v1 beside this one. All calls of one Client share one connection, and a Client may
// be used by many goroutines at once.
package threed

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"

	threedv1 "github.com/threed-dev/threed/clients/go/threed/v1"
)

// A page of 1,000 assets is above gRPC's default of 4 MiB.
const largestAnswer = 64 << 20

// Client bundles the services of one server, on one connection.
type Client struct {
	Assets      threedv1.AssetServiceClient
	Uploads     threedv1.UploadServiceClient
	Scenes      threedv1.SceneServiceClient
	Renders     threedv1.RenderServiceClient
	Derivatives threedv1.DerivativeServiceClient
	Recipes     threedv1.RecipeServiceClient
	Events      threedv1.EventServiceClient
	System      threedv1.SystemServiceClient

	// HTTP is what Download fetches signed URLs with. Replace it for another proxy or other certificates.
	HTTP *http.Client

	connection *grpc.ClientConn
}

// Dial connects to a server and checks the token by one call.
//
// The url is http://host:port, https://host, or host:port, which is without TLS. The token is what `threed token` prints;
// "" sends none, for callers that renew their tokens by a grpc.WithPerRPCCredentials among opts. The opts come last and
// win. An error is that of a url that is none, or the status that the server or the connection answered; ctx bounds the
// whole of it.
func Dial(ctx context.Context, url, token string, opts ...grpc.DialOption) (*Client, error) {
	address, err := parseAddress(url)
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(address.target(), append(dialOptions(address, token), opts...)...)
	if err != nil {
		return nil, fmt.Errorf("threed: %s: %w", url, err)
	}
	client := &Client{
		Assets:      threedv1.NewAssetServiceClient(connection),
		Uploads:     threedv1.NewUploadServiceClient(connection),
		Scenes:      threedv1.NewSceneServiceClient(connection),
		Renders:     threedv1.NewRenderServiceClient(connection),
		Derivatives: threedv1.NewDerivativeServiceClient(connection),
		Recipes:     threedv1.NewRecipeServiceClient(connection),
		Events:      threedv1.NewEventServiceClient(connection),
		System:      threedv1.NewSystemServiceClient(connection),
		HTTP:        http.DefaultClient,
		connection:  connection,
	}
	if _, err := client.System.GetCapabilities(ctx, &threedv1.GetCapabilitiesRequest{}); err != nil {
		_ = connection.Close()
		return nil, fmt.Errorf("threed: %s: %w", url, err)
	}
	return client, nil
}

// Close ends the connection; calls that still run end with CANCELLED.
func (c *Client) Close() error {
	return c.connection.Close()
}

func dialOptions(address address, token string) []grpc.DialOption {
	reconnect := backoff.DefaultConfig
	// gRPC's own pause grows to two minutes: too long for a watch that wants to go on.
	reconnect.MaxDelay = 2 * time.Second
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(address.transport()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestAnswer)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: 20 * time.Second}),
		// A dead peer is noticed on an idle watch, too. Servers hang up on pings that come faster than every 5 minutes.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 310 * time.Second, Timeout: 20 * time.Second}),
	}
	if token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer{token: token, tls: address.tls}))
	}
	return options
}

// bearer sends the token with every call. Without TLS it goes in the clear, as the address without TLS asked for.
type bearer struct {
	token string
	tls   bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

func (b bearer) RequireTransportSecurity() bool {
	return b.tls
}
