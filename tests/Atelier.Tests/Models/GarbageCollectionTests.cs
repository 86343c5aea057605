using Atelier.Data.Text;
using Atelier.Models.Gpt;
using Atelier.Tensors;
using Atelier.Tests.Training;
using Atelier.Training.Optimizers;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

/// <summary>TorchSharp frees the numbers it hands to libtorch when their finalizers run: see KeptScalars.</summary>
[Collection(nameof(OneAtATime))]
public sealed class GarbageCollectionTests
{
    [Theory]
    [InlineData(GptLayout.Gpt2)]
    [InlineData(GptLayout.Llama)]
    public async Task A_model_learns_while_the_collector_runs_all_the_time(GptLayout layout)
    {
        using var model =
            new GptModel(new() { Layout = layout, LayerCount = 2, HeadCount = 2, HiddenSize = 8, ContextLength = 8 },
            20, Precision.Fp32, seed: 1);
        long[] ids = [.. Enumerable.Range(0, 32).Select(i => (long)(i * 7 % 20))];
        using var batch = new TextBatch(tensor(ids, 4, 8), tensor(ids, 4, 8));
        using var stop = new CancellationTokenSource();
        Task collector = Task.Factory.StartNew(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            for (int step = 0; step < 400; step++)
            {
                using var scope = NewDisposeScope();
                using Tensor loss = model.Loss(batch);
                loss.backward();
                TensorScripts.Clip([TensorScripts.Norm([.. model.parameters().Select(p => p.grad!)])],
                    1.0).Norm.Number().ShouldBeGreaterThan(0);
                model.zero_grad();
                model.Evaluate(batch)["loss"].ShouldBeInRange(2, 4);
            }
        }
        finally
        {
            stop.Cancel();
            await collector;
        }
    }
}
