package threed_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	threed "github.com/threed-dev/threed/clients/go"
	threedv1 "github.com/threed-dev/threed/clients/go/threed/v1"
)

// Uploads a model, waits until it is checked, and saves a picture of it.
func Example() {
	ctx := context.Background()
	client, err := threed.Dial(ctx, "http://127.0.0.1:8080", os.Getenv("THREED_TOKEN"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	asset, err := client.UploadFile(ctx, "chair.glb")
	if err != nil {
		log.Fatal(threed.Reason(err), err)
	}
	changes, err := client.Assets.WatchAsset(ctx, &threedv1.WatchAssetRequest{AssetId: asset.GetAssetId()})
	if err != nil {
		log.Fatal(err)
	}
	for {
		change, err := changes.Recv()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		asset = change.GetAsset()
		fmt.Println(asset.GetStatus(), change.GetPhase())
	}

	job, err := client.Renders.CreateRenderJob(ctx, &threedv1.CreateRenderJobRequest{
		RenderJob: &threedv1.RenderJob{AssetId: asset.GetAssetId()},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err != nil {
		log.Fatal(err)
	}
	watch := &threedv1.WatchRenderJobRequest{JobId: job.GetJobId()}
	job, err = client.FollowRender(ctx, watch, func(change *threedv1.WatchRenderJobResponse) error {
		fmt.Println(change.GetRenderJob().GetPhase(), change.GetEtaS(), "s left")
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	from, err := client.Renders.GetRenderJobDownloadUrl(ctx, &threedv1.GetRenderJobDownloadUrlRequest{JobId: job.GetJobId()})
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Create("chair.png")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	if err := client.Download(ctx, from, file); err != nil {
		log.Fatal(err)
	}
}
