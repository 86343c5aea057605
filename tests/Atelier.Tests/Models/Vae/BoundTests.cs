using Atelier.Data.Images;
using Atelier.Models.Vae;
using Atelier.Recipes;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Vae;

/// <summary>The bounds beside integrals over a grid and beside closed forms.</summary>
public sealed class BoundTests
{
    private const double Variance = 0.4;

    [Fact]
    public void The_bound_and_its_parts_are_what_integration_over_the_plane_of_latents_gives()
    {
        using VaeModel model = Model();
        (float[] x, ImageBatch many) = Picture(20_000);
        (double reconstruction, double divergence, double evidence) = new PlainVae(model, Variance)
            .Integrate([.. x.Select(v => (double)v)]);
        using var gradients = no_grad();
        IReadOnlyDictionary<string, double> figures = model.Evaluate(many);
        figures["divergence"].ShouldBe(divergence, 1e-4);
        figures["reconstruction"].ShouldBe(reconstruction, 0.03, "a mean of 20,000 draws");
        figures["elbo"].ShouldBe(figures["reconstruction"] - figures["divergence"], 1e-6);
        figures["loss"].ShouldBe(-figures["elbo"], 1e-4);
        figures["elbo"].ShouldBeLessThan(evidence);

        (_, ImageBatch few) = Picture(200);
        double one = Importance(few, 1), ten = Importance(few, 10), thousand = Importance(few, 1000);
        one.ShouldBeLessThan(ten);
        ten.ShouldBeLessThan(thousand + 0.02);
        thousand.ShouldBe(evidence, 0.02);

        double Importance(ImageBatch batch, int draws) =>
            model.Judge(batch, new EvaluationSection { ImportanceSamples = draws })["importanceWeightedBound"];
    }

    [Fact]
    public void The_fitted_prior_gives_the_same_bound_before_it_is_fitted_for_it_is_standard_normal()
    {
        using VaeModel model = Model(components: 3);
        (_, ImageBatch batch) = Picture(5);
        using var gradients = no_grad();
        IReadOnlyDictionary<string, double> figures =
            model.Judge(batch, new EvaluationSection { ImportanceSamples = 5 });
        figures["importanceWeightedBoundFittedPrior"].ShouldBe(figures["importanceWeightedBound"], 1e-4);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1.5, -2)]
    [InlineData(-0.7, 1)]
    public void The_divergence_of_a_normal_distribution_is_its_integral(double mean, double logVariance)
    {
        double integral = 0;
        for (double z = -25; z <= 25; z += 0.001)
        {
            double q = PlainVae.Normal(z, mean, Math.Exp(logVariance));
            if (q > 0)
                integral += 0.001 * q * (Math.Log(q) - (-0.5 * ((z * z) + Math.Log(2 * Math.PI))));
        }
        GaussianLatents.Divergence(tensor((double[])[mean]), tensor((double[])[logVariance])).item<double>()
            .ShouldBe(integral, 1e-6);
    }

    /// <summary>z ~ N(0, 1), x | z ~ N(a z, s²), so x ~ N(0, a² + s²).</summary>
    [Fact]
    public void On_a_linear_Gaussian_model_the_importance_weighted_bound_reaches_the_known_likelihood()
    {
        const double a = 1.3, s = 0.8, x = 0.9;
        using var random = new Generator(3, CPU);
        var config = new VaeConfig { LatentSize = 1, PriorComponents = 0 };
        using var latents = new GaussianLatents(config, [1], classes: 0, Precision.Fp32, random);
        double exact = Math.Log(PlainVae.Normal(x, 0, (a * a) + (s * s)));
        using var gradients = no_grad();
        double elbo = Bound(1), few = Bound(10), many = Bound(2000);
        elbo.ShouldBeLessThan(few);
        few.ShouldBeLessThan(many);
        many.ShouldBe(exact, 0.01);

        double Bound(int draws)
        {
            const int rows = 500;
            Tensor features = full([(long)rows * draws, 1], x, ScalarType.Float32);
            (Tensor z, Tensor ratio, _) = latents.ImportanceSample(features, null, random);
            Tensor likelihood = z.squeeze(1).mul(a).sub(x).square().mul(-0.5 / (s * s))
                .sub(0.5 * Math.Log(2 * Math.PI * s * s));
            return likelihood.add(ratio).view(draws, rows).logsumexp(0).mean().item<float>() - Math.Log(draws);
        }
    }

    [Fact]
    public void Free_bits_charge_no_less_than_their_share_for_each_latent_number()
    {
        (_, ImageBatch batch) = Picture(50);
        using VaeModel plain = Model(), free = Model(freeBits: 2), beta = Model(beta: 3);
        using var gradients = no_grad();
        IReadOnlyDictionary<string, double> figures = plain.Evaluate(batch);
        figures["divergence"].ShouldBeLessThan(4);
        free.Evaluate(batch)["loss"].ShouldBe(-figures["reconstruction"] + 4, 1e-3, "two latents of two nats each");
        beta.Evaluate(batch)["loss"].ShouldBe(-figures["reconstruction"] + (3 * figures["divergence"]), 1e-3);
        beta.Evaluate(batch)["elbo"].ShouldBe(figures["elbo"], 1e-6);
    }

    [Fact]
    public void Black_and_white_pictures_cost_the_logarithm_of_each_pixels_chance()
    {
        using var likelihood =
            new Likelihood(new VaeConfig { Likelihood = LikelihoodKind.Bernoulli,
            Binarisation = BinarisationKind.Static });
        Tensor target = likelihood.Target(tensor((float[])[-1f, -0.2f, 0.3f, 1f]).view(1, 1, 2, 2), null);
        target.data<float>().ToArray().ShouldBe([-1f, -1f, 1f, 1f]);
        double[] logits = [0.5, -1, 2, 0.1];
        double expected = logits.Select((l, i) => i < 2 ? -Math.Log(1 - Sigmoid(l)) : -Math.Log(Sigmoid(l))).Sum();
        likelihood.NegativeLogLikelihood(target, tensor((float[])[0.5f, -1f, 2f, 0.1f]).view(1, 1, 2, 2)).item<float>()
            .ShouldBe((float)expected, 1e-5f);

        static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
    }

    [Fact]
    public void A_pixel_drawn_dynamically_is_white_as_often_as_it_is_bright()
    {
        using var likelihood = new Likelihood(new VaeConfig { Likelihood = LikelihoodKind.Bernoulli });
        using var random = new Generator(1, CPU);
        Tensor target = likelihood.Target(full([1, 1, 100, 100], 0.4f), random); // brightness 0.7
        target.abs().min().item<float>().ShouldBe(1);
        target.mean().item<float>().ShouldBe(0.4f, 0.04f);
    }

    private static VaeModel Model(int components = 0, double freeBits = 0, double beta = 1)
    {
        var config = new VaeConfig
        {
            Network = NetworkKind.Dense, Hidden = [8], LatentSize = 2, Variance = Variance,
                PriorComponents = components, FreeBits = freeBits, Beta = beta,
        };
        var model = new VaeModel(config, new ImageSchema(4, 4, 1, []), Precision.Fp32, seed: 5);
        model.eval();
        return model;
    }

    private static (float[] X, ImageBatch Batch) Picture(int copies)
    {
        float[] x = [.. Enumerable.Range(0, 16).Select(i => (float)Math.Sin(i))];
        return (x, new ImageBatch(tensor(x).view(1, 1, 4, 4).expand(copies, 1, 4, 4).contiguous(),
            zeros(copies, ScalarType.Int64)));
    }
}
