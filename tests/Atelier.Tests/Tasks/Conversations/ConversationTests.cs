using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Conversations;
using Atelier.Data.Text;
using Atelier.Generation;
using Atelier.Models.Gpt;
using Atelier.Recipes;
using Atelier.Tasks.Conversations;
using Atelier.Tensors;
using Atelier.Tests.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Tasks.Conversations;

/// <summary>Conversations: their parts, their batches, and the loss of their answers.</summary>
public sealed class ConversationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(GptLayout.Gpt2)]
    [InlineData(GptLayout.Llama)]
    public void Packed_and_unpacked_rows_have_the_loss_and_gradients_of_conversations_alone(GptLayout layout)
    {
        using ConversationData data = Prepare(new ConversationsSection());
        var config = new GptConfig
        {
            Layout = layout, LayerCount = 2, HeadCount = 2, HiddenSize = 32, ContextLength = 160,
        };
        using var scope = NewDisposeScope();
        using var model = new GptModel(config, data.Tokenizer.VocabularySize, Precision.Fp32, seed: 1);
        using (no_grad())
        {
            foreach (var parameter in model.parameters()) // so that tokens of other conversations would be seen
                parameter.add_(randn([.. parameter.shape]), alpha: 0.1);
        }
        (double alone, double tokens, Tensor aloneGradient) = Sum(Batches(data, packed: false, size: 1));
        (double padded, double same, Tensor paddedGradient) = Sum(Batches(data, packed: false, size: 7));
        ConversationBatches packs = Batches(data, packed: true, size: 2);
        (double packed, double all, Tensor packedGradient) = Sum(packs);
        (all, same).ShouldBe((tokens, tokens));
        packs.BatchesPerEpoch.ShouldBeLessThan(data.Train.Count / 3);
        padded.ShouldBe(alone, 1e-4 * alone);
        packed.ShouldBe(alone, 1e-4 * alone);
        double size = aloneGradient.norm().ToDouble();
        (paddedGradient - aloneGradient).norm().ToDouble().ShouldBeLessThan(1e-4 * size);
        (packedGradient - aloneGradient).norm().ToDouble().ShouldBeLessThan(1e-4 * size);

        // the evaluator scores the same answers, with the state of decoding
        AnswerScore[] scores = ConversationEvaluator.Score(model, data.Train, CancellationToken.None);
        scores.Sum(score => score.Nats).ShouldBe(alone, 1e-4 * alone);
        scores.Sum(score => (double)score.Tokens).ShouldBe(tokens);

        (double Loss, double Tokens, Tensor Gradient) Sum(ConversationBatches batches)
        {
            double loss = 0, count = 0;
            model.zero_grad();
            for (long i = 0; i < batches.BatchesPerEpoch; i++)
            {
                using TextBatch batch = batches.Get(i);
                double counted = batch.Targets.ne(TextBatch.NotCounted).sum().ToDouble();
                Tensor mean = model.Loss(batch);
                (loss, count) = (loss + (mean.ToDouble() * counted), count + counted);
                (mean * counted).backward();
                if (i > 0)
                    continue;
                // parts of a batch have the loss of the whole
                double parts = batch.Divide(2).Sum(part => part.Share * model.Loss(part.Part).ToDouble());
                parts.ShouldBe(mean.ToDouble(), 1e-4);
                model.Evaluate(batch)["loss"].ShouldBe(mean.ToDouble(), 1e-4);
            }
            return (loss, count, cat([.. model.parameters().Select(p => p.grad!.flatten())]));
        }
    }

    [Fact]
    public void Rows_hold_every_conversation_once_and_never_more_than_fits()
    {
        var random = new Random(3);
        for (int trial = 0; trial < 100; trial++)
        {
            int[] lengths = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(1, 21))];
            List<List<int>> rows = SequencePacking.BestFit(lengths, 20);
            rows.SelectMany(row => row).Order().ShouldBe(Enumerable.Range(0, lengths.Length));
            rows.ShouldAllBe(row => row.Sum(i => lengths[i]) <= 20 && row.Count > 0);
            int[] rooms = [.. rows.Select(row => 20 - row.Sum(i => lengths[i]))];
            rooms.Count(room => room >= 10).ShouldBeLessThanOrEqualTo(1, "two halves would share a row");
        }
    }

    [Theory]
    [InlineData(TooLongConversation.Cut)]
    [InlineData(TooLongConversation.Drop)]
    public void Conversations_that_are_too_long_are_cut_or_left_out_with_a_note(TooLongConversation how)
    {
        const int most = 40;
        using ConversationData whole = Prepare(new ConversationsSection());
        using ConversationData data = Prepare(new ConversationsSection { MaxLength = most, TooLong = how });
        int fitting = Enumerable.Range(0, whole.Train.Count).Count(i => whole.Train.LengthOf(i) <= most + 1);
        fitting.ShouldBeInRange(1, whole.Train.Count - 1);
        Enumerable.Range(0, data.Train.Count).ShouldAllBe(i => data.Train.LengthOf(i) <= most + 1
            && data.Train.Answers(i).Contains(true));
        if (how == TooLongConversation.Drop)
            data.Train.Count.ShouldBe(fitting);
        else
            data.Train.Count.ShouldBeGreaterThan(fitting);
        data.Notes.ShouldContain(note => note.Contains("have more than 40 tokens", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_model_learns_to_answer_and_keeps_its_template_in_its_bundle_and_in_gguf()
    {
        string run = _folder["run"];
        var workshop = new Workshop(new WorkshopOptions { Home = _folder["home"] });
        Recipe recipe = new()
        {
            Data = new() { Kind = "conversations", Source = Write() },
            Model = new("gpt", new GptConfig { Layout = GptLayout.Llama, LayerCount = 1, HeadCount = 2, HiddenSize = 32,
                ContextLength = 160 }),
            Training = new() { Steps = 60, BatchSize = 2, Threads = 1, Replicas = 1, EvaluateEvery = 0, SampleEvery = 0,
                Optimizer = new() { LearningRate = 1e-2 }, Precision = Precision.Fp32,
                Schedule = new() { WarmupSteps = 0 } },
            Evaluation = new() { BootstrapSamples = 10, Samples = 2, SampleTokens = 5 },
        };
        await workshop.TrainAsync(recipe, new(run));
        var report = await workshop.EvaluateAsync(run);
        double own = report.Metrics["crossEntropyPerToken"].Value;
        own.ShouldBeLessThan(report.Baselines["tokenFrequencies"]["crossEntropyPerToken"].Value);
        report.Metrics["perplexity"].Value.ShouldBe(Math.Exp(own), 1e-9);
        string template = File.ReadAllText(Path.Combine(run, "bundle", "chat_template.jinja"));
        template.ShouldContain("<|im_start|>");
        workshop.Export(run, "gguf", _folder["m.gguf"]);
        foreach (string path in (string[])[run, _folder["m.gguf"]])
        {
            using var model = workshop.Open(path).Require<TextGenerator>();
            model.ChatTemplate.ShouldBe(template);
            model.Bounds.EndIds.Select(model.Tokenizer.Name).ShouldContain("<|im_end|>");
        }

        // a LoRA of the model goes on from its template and its loss
        Recipe further = recipe with
        {
            Model = new Recipe().Model,
            Training = recipe.Training with { From = run, Lora = new() { Rank = 2 }, Steps = 1 },
        };
        await workshop.TrainAsync(further, new(_folder["lora"]));
        report = await workshop.EvaluateAsync(_folder["lora"]);
        report.Baselines["beforeTraining"]["crossEntropyPerToken"].Value.ShouldBe(own, 1e-4);
        File.ReadAllText(Path.Combine(_folder["lora"], "bundle", "chat_template.jinja")).ShouldBe(template);
        Directory.Exists(Path.Combine(_folder["lora"], "adapter")).ShouldBeTrue();
        Directory.Delete(run, recursive: true);
        report = await workshop.EvaluateAsync(_folder["lora"]);
        report.Baselines.Keys.ShouldNotContain("beforeTraining");
        report.Notes.ShouldContain(note => note.StartsWith("The model before training is not compared: "));
    }

    private static ConversationBatches Batches(ConversationData data, bool packed, int size) =>
        new(data.Train, size, 160, packed, seed: 1, shuffled: false);

    private ConversationData Prepare(ConversationsSection section)
    {
        string folder = _folder[$"data-{section.MaxLength}-{section.TooLong}"];
        var recipe = new Recipe
        {
            Data = new() { Kind = "conversations", Source = Write(), Conversations = section },
            Model = new("gpt", new GptConfig { ContextLength = 160 }),
        };
        return (ConversationData)new ConversationTask().Prepare(recipe, folder, null, CancellationToken.None);
    }

    private string Write()
    {
        var random = new Random(2);
        return _folder.Write("talks.jsonl", string.Concat(Enumerable.Range(0, 80).Select(i =>
        {
            var messages = new List<object>();
            for (int turn = random.Next(1, 4); turn > 0; turn--)
            {
                int number = random.Next(10, 99);
                messages.Add(new { role = "user", content = $"Say {number}." });
                messages.Add(new { role = "assistant", content = $"It is {number}." });
            }
            return JsonSerializer.Serialize(new { messages }) + "\n";
        })));
    }
}
