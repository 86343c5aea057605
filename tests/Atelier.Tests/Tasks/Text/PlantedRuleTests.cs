using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Models.Gpt;
using Atelier.Tensors;
using Atelier.Tests.Evaluation;
using Atelier.Tests.Models;
using Atelier.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Tasks.Text;

/// <summary>
/// Attributions in a world whose rule is known: among fillers stands one key, and the text is followed by the answer of
/// that key, or by the word for none if there is no key. The key is the cause.
/// </summary>
public sealed class PlantedRuleTests
{
    private const int Fillers = 8, Keys = 4, Shortest = 8, Longest = 14, Texts = 100;
    private const int FirstKey = 1 + Fillers, FirstAnswer = FirstKey + Keys, None = FirstAnswer + Keys;

    [Fact]
    public void Attributions_name_the_cause_first_in_at_least_95_of_100_texts_and_random_weights_do_not()
    {
        GptModel model = Create(seed: 1);
        Train(model);
        using TextGenerator learned = Generator(model), random = Generator(Create(seed: 2));
        var draws = new Random(99);
        double correlation = 0;
        int[] named = new int[4];
        for (int i = 0; i < Texts; i++)
        {
            (int[] ids, int key) = Draw(draws, draws.Next(Shortest + 1, Longest + 1));
            foreach ((int which, AttributionMethod method) in ((AttributionMethod[])
                [AttributionMethod.Occlusion, AttributionMethod.IntegratedGradients]).Index())
            {
                double[] own = Effects(learned, ids, method), other = Effects(random, ids, method);
                named[which] += First(own) == key ? 1 : 0;
                named[2 + which] += First(other) == key ? 1 : 0;
                if (method == AttributionMethod.IntegratedGradients)
                    correlation += Correlations.Spearman(own, other) / Texts;
            }
        }
        named[0].ShouldBeGreaterThanOrEqualTo(95, "occlusion");
        named[1].ShouldBeGreaterThanOrEqualTo(95, "integrated gradients");
        // the sanity check of Adebayo et al. 2018: a map that random weights give as well explains nothing
        named[2].ShouldBeLessThan(50, "occlusion of random weights");
        named[3].ShouldBeLessThan(50, "integrated gradients of random weights");
        correlation.ShouldBeLessThan(0.5);
    }

    private static GptModel Create(long seed) => new(new()
    {
        LayerCount = 2, HeadCount = 2, HiddenSize = 32, ContextLength = Longest + 1, Dropout = 0,
    }, None + 1, Precision.Fp32, seed);

    /// <summary>A generator whose tokenizer has the end-of-text token and a letter for each other id.</summary>
    private static TextGenerator Generator(GptModel model)
    {
        var letters = CharacterTokenizer.Train(["abcdefghijklmnopq"], byteFallback: false);
        return new(model, letters, new DecodingOptions(), letters.EndOfTextId!.Value);
    }

    private static void Train(GptModel model)
    {
        using var optimizer = new PlainAdam(model);
        var random = new Random(5);
        double loss = 0;
        for (int step = 0; step < 500; step++)
        {
            using var scope = NewDisposeScope();
            // of all lengths, so that a text without one of its fillers is still one of this world
            int length = random.Next(Shortest, Longest + 1);
            // the end-of-text token stands before each text, as where it is explained
            int[] rows = [.. Enumerable.Range(0, 32).SelectMany(_ => Draw(random, length, random.Next(4) > 0).Ids
                .Prepend(0))];
            Tensor ids = TextModels.Ids(rows, 32);
            Tensor logits = model.Forward(ids.narrow(1, 0, length)).select(1, length - 1);
            Tensor error = nn.functional.cross_entropy(logits, ids.select(1, length));
            optimizer.Step(error, 5e-3);
            loss = error.ToDouble();
        }
        loss.ShouldBeLessThan(0.1);
    }

    /// <summary>Draws a text with its answer, and the position of its key.</summary>
    private static (int[] Ids, int Key) Draw(Random random, int length, bool hasKey = true)
    {
        int[] ids = [.. Enumerable.Range(0, length).Select(_ => 1 + random.Next(Fillers))];
        int key = random.Next(length - 1), which = random.Next(Keys);
        if (hasKey)
            ids[key] = FirstKey + which;
        ids[^1] = hasKey ? FirstAnswer + which : None;
        return (ids, key);
    }

    /// <summary>The effects of a text's tokens on its answer.</summary>
    private static double[] Effects(TextGenerator generator, int[] ids, AttributionMethod method)
    {
        TextExplanation explanation = generator.ExplainText(
            new(generator.Tokenizer.Decode(ids)) { Token = ids.Length, Methods = [method] });
        explanation.Prediction!.Token.Id.ShouldBe(ids[^1]);
        return [.. explanation.Prediction.Effects(method).Select(token => token.Effect)];
    }

    private static int First(double[] effects) => effects.Index().MaxBy(one => one.Item).Index;
}
