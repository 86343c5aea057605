using Atelier.Data.Audio;
using Atelier.Layers;
using Atelier.Models.AudioCodec;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.AudioCodec;

/// <summary>The parts of a codec, beside plain loops.</summary>
public sealed class CodecPartsTests
{
    [Fact]
    public void Each_codebook_takes_the_nearest_code_of_what_is_left()
    {
        var config = new AudioCodecConfig { CodebookCount = 3, CodebookSize = 8, CodeDimension = 2 };
        using var quantizer = new ResidualQuantizer(config);
        float[][,] codes = [.. Enumerable.Range(0, 3).Select(book => Random(8, book + 1))];
        foreach ((int book, Codebook codebook) in quantizer.modules().OfType<Codebook>().Distinct().Index())
            codebook.Codes.copy_(tensor(codes[book]));
        float[,] vectors = Random(20, 9);
        using Tensor found = quantizer.Encode(tensor(vectors), 3);
        var sums = new float[20, 2];
        for (int i = 0; i < 20; i++)
        {
            for (int book = 0; book < 3; book++)
            {
                int best = Enumerable.Range(0, 8).MinBy(code =>
                    Enumerable.Range(0, 2).Sum(d => Math.Pow(vectors[i, d] - sums[i, d] - codes[book][code, d], 2)));
                found[book, i].item<long>().ShouldBe(best);
                for (int d = 0; d < 2; d++)
                    sums[i, d] += codes[book][best, d];
            }
        }
        using Tensor decoded = quantizer.Decode(found);
        decoded.data<float>().ToArray().Zip(sums.Cast<float>(), (a, b) => Math.Abs(a - b)).Max()
            .ShouldBeLessThan(1e-5f);
    }

    [Fact]
    public void Vectors_of_fewer_codebooks_are_the_sums_of_those_and_gradients_pass_through()
    {
        var config = new AudioCodecConfig { CodebookCount = 3, CodebookSize = 8, CodeDimension = 2 };
        using var quantizer = new ResidualQuantizer(config);
        foreach ((int book, Codebook codebook) in quantizer.modules().OfType<Codebook>().Distinct().Index())
            codebook.Codes.copy_(tensor(Random(8, book + 1)));
        using Tensor vectors = tensor(Random(4, 9)).requires_grad_(true);
        ResidualQuantizer.Result result =
            quantizer.Quantise(vectors, tensor(new[] { 1f, 2f, 3f, 4f }), isLearning: false);
        for (int i = 0; i < 4; i++)
        {
            using Tensor some = quantizer.Decode(quantizer.Encode(vectors.detach(), Math.Min(3, i + 1)));
            (result.Vectors[i] - some[i]).abs().max().item<float>().ShouldBeLessThan(1e-6f);
        }
        result.Vectors.sum().backward();
        vectors.grad!.data<float>().ToArray().ShouldAllBe(slope => slope == 1);
    }

    [Fact]
    public void After_one_step_each_codebook_of_a_new_quantizer_reduces_what_is_left()
    {
        using var scope = NewDisposeScope();
        var config = new AudioCodecConfig { CodebookCount = 3, CodebookSize = 16, CodeDimension = 2 };
        using ResidualQuantizer quantizer = new(config), replica = new(config);
        quantizer.Join(replica);
        Tensor vectors = tensor(Random(400, 9));
        quantizer.Quantise(vectors.narrow(0, 0, 150), null, isLearning: true);
        replica.Quantise(vectors.narrow(0, 150, 250), null, isLearning: true);
        quantizer.Follow();
        double[] errors = [.. Enumerable.Range(1, 3).Select(count =>
            quantizer.Decode(quantizer.Encode(vectors, count)).sub(vectors).pow(2).mean().item<float>())];
        errors[1].ShouldBeLessThan(0.6 * errors[0]);
        errors[2].ShouldBeLessThan(0.6 * errors[1]);
    }

    [Fact]
    public void Levels_of_the_loss_are_those_of_the_metric()
    {
        float[] sound = SoundsWorld.Sample(1, 5).Samples;
        foreach (SpectralScale scale in SpectralScale.All(SoundsWorld.SampleRate))
        {
            using var spectrogram = new Spectrogram(scale);
            using Tensor levels = spectrogram.Levels(tensor(sound).unsqueeze(0));
            float[][] expected = scale.Levels(sound);
            levels.shape.ShouldBe([1, expected.Length, scale.Bands]);
            levels.data<float>().ToArray().Zip(expected.SelectMany(frame => frame), (a, b) => Math.Abs((10 * a) - b))
                .Max().ShouldBeLessThan(0.02f);
        }
    }

    private static float[,] Random(int rows, int seed)
    {
        var random = new SplitMix64((ulong)seed);
        var values = new float[rows, 2];
        for (int i = 0; i < values.Length; i++)
            values[i / 2, i % 2] = (float)random.NextDouble() - 0.5f;
        return values;
    }
}
