using Atelier.Layers;
using Atelier.Models.Vae;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Vae;

/// <summary>Codes beside a plain version of their moving averages, and their prior beside its own sums.</summary>
public sealed class DiscreteLatentsTests
{
    private const double Decay = 0.8;

    [Fact]
    public void Codes_that_follow_the_vectors_of_replicas_move_as_with_the_whole_batch()
    {
        using var scope = NewDisposeScope();
        using Codebook whole = new(5, 3, 0.9), divided = new(5, 3, 0.9), replica = new(5, 3, 0.9);
        divided.Join(replica);
        using var random = new Generator(6, CPU);
        for (int step = 0; step < 4; step++)
        {
            Tensor vectors = randn([12, 3], generator: random);
            divided.Note(randn([7, 3], generator: random));
            divided.Forget(); // as what the measurement of execution plans noted
            using Generator own = new((ulong)step, CPU), other = new((ulong)step, CPU);
            whole.Update(vectors, own);
            divided.Note(vectors.narrow(0, 0, 5));
            replica.Note(vectors.narrow(0, 5, 7));
            divided.Follow(other);
            divided.Codes.allclose(whole.Codes, 0, 0).ShouldBeTrue();
            divided.Follow(); // nothing is noted any more
            divided.Codes.allclose(whole.Codes, 0, 0).ShouldBeTrue();
        }
    }

    [Fact]
    public void Codes_move_as_a_plain_version_of_the_averages_says()
    {
        using var random = new Generator(1, CPU);
        using var book = new Codebook(3, 2, Decay);
        book.Update(randn([60, 2], generator: random), random); // from nothing: the codes are vectors of the batch
        Dictionary<string, Tensor> state = book.state_dict();
        for (int batch = 0; batch < 3; batch++)
        {
            double[][] codes = Rows(state["codes"]), sums = Rows(state["sums"]);
            double[] counts = [.. state["counts"].data<float>().Select(c => (double)c)];
            Tensor vectors = randn([60, 2], generator: random);
            int[] members = new int[3];
            double[][] seen = [new double[2], new double[2], new double[2]];
            foreach (double[] v in Rows(vectors))
            {
                int nearest = Enumerable.Range(0, 3)
                    .MinBy(c => Math.Pow(v[0] - codes[c][0], 2) + Math.Pow(v[1] - codes[c][1], 2));
                members[nearest]++;
                seen[nearest][0] += v[0];
                seen[nearest][1] += v[1];
            }
            book.Update(vectors, random);
            double[][] moved = Rows(book.Codes);
            for (int c = 0; c < 3; c++)
            {
                double count = (Decay * counts[c]) + ((1 - Decay) * members[c]);
                for (int d = 0; d < 2; d++)
                    moved[c][d].ShouldBe(((Decay * sums[c][d]) + ((1 - Decay) * seen[c][d])) / count, 1e-4);
            }
        }
    }

    [Fact]
    public void A_code_that_nothing_is_near_to_is_moved_to_a_vector_of_the_batch()
    {
        using var random = new Generator(2, CPU);
        using var book = new Codebook(2, 1, 0.5);
        book.Update(tensor((float[])[0f, 0f, 10f, 10f]).view(4, 1), random);
        for (int i = 0; i < 20; i++)
            book.Update(tensor((float[])[3f, 3f, 3f, 4f]).view(4, 1), random);
        book.Codes.data<float>().ShouldAllBe(c => c >= 2.9f && c <= 4.1f);
        book.Nearest(tensor((float[])[3.1f, 3.9f]).view(2, 1)).shape.ShouldBe([2L]);
    }

    [Fact]
    public void The_chances_of_all_pictures_codes_sum_to_one_and_are_drawn_as_often()
    {
        using var random = new Generator(4, CPU);
        using var prior = new CodePrior(positions: 2, codes: 3, classes: 2, width: 8, Precision.Fp32, random);
        using var gradients = no_grad();
        Tensor all = tensor(Enumerable.Range(0, 9).SelectMany(i => (long[])[i / 3, i % 3]).ToArray()).view(9, 2),
            labels = ones(9, ScalarType.Int64);
        float[] chances = [.. prior.NegativeLogLikelihood(all, labels).neg().exp().data<float>()];
        chances.Sum().ShouldBe(1, 1e-5f);

        const int draws = 20_000;
        Tensor drawn = prior.Sample(randn([draws, 2], generator: random), ones(draws, ScalarType.Int64));
        float[] shares = [.. drawn.select(1, 0).mul(3).add(drawn.select(1, 1)).bincount(null, 9).to(ScalarType.Float32)
            .div(draws).data<float>()];
        for (int i = 0; i < 9; i++)
            shares[i].ShouldBe(chances[i], 4 * MathF.Sqrt(chances[i] / draws));
    }

    [Fact]
    public void The_gradient_passes_rounding_as_if_it_were_not_there_but_for_the_pull_to_the_codes()
    {
        using var random = new Generator(5, CPU);
        var config = new VaeConfig { Codes = 4, LatentSize = 3, Commitment = 0, CodePriorSize = 8 };
        using var latents = new DiscreteLatents(config, [2, 2, 2], classes: 0, Precision.Fp32, random);
        Tensor features = randn([5, 2, 2, 2], generator: random), weights = randn([5, 3, 2, 2], generator: random);
        Tensor vectors = features.clone().requires_grad_();
        latents.Posterior(vectors, null, random).Latents.mul(weights).sum().backward();
        Tensor straight = features.clone().requires_grad_();
        latents.Mean(straight, null).mul(weights).sum().backward();
        vectors.grad!.sub(straight.grad!).abs().max().item<float>().ShouldBeLessThan(1e-5f);
    }

    private static double[][] Rows(Tensor x) => [.. x.data<float>().Select(v => (double)v).Chunk((int)x.shape[1])];
}
