using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

/// <summary>Gradients a second way: (f(w + h) − f(w − h)) / 2h, in double precision.</summary>
internal static class FiniteDifferences
{
    private const double Step = 1e-5;

    /// <summary>Moves every parameter by normal noise, so that no gradient is zero by symmetry.</summary>
    public static void Scramble(nn.Module model, double deviation = 0.3)
    {
        using var random = new Generator(7, CPU);
        using var gradients = no_grad();
        foreach (Parameter parameter in model.parameters())
        {
            using Tensor noise = empty(parameter.shape).normal_(0, deviation, random);
            parameter.add_(noise);
        }
    }

    /// <summary>Checks a few elements of every parameter.</summary>
    public static void ShouldMatchGradients(nn.Module model, Func<Tensor> loss, int elements = 4)
    {
        using var scope = NewDisposeScope();
        loss().backward();
        var random = new Random(3);
        int parameters = 0;
        foreach ((string name, Parameter parameter) in model.named_parameters())
        {
            parameter.dtype.ShouldBe(ScalarType.Float64, name);
            Tensor? gradient = parameter.grad;
            gradient.ShouldNotBeNull(name);
            parameters++;
            for (int i = 0; i < elements; i++)
            {
                long at = random.NextInt64(parameter.numel());
                double numeric = (LossAt(at, Step) - LossAt(at, -Step)) / (2 * Step);
                gradient.reshape(-1)[at].ToDouble().ShouldBe(numeric, 1e-7 + 1e-5 * Math.Abs(numeric), $"{name}[{at}]");

                double LossAt(long index, double nudge)
                {
                    using var inner = NewDisposeScope();
                    using var gradients = no_grad();
                    Tensor element = parameter.view(-1).narrow(0, index, 1);
                    element.add_(nudge);
                    double value = loss().ToDouble();
                    element.sub_(nudge);
                    return value;
                }
            }
        }
        parameters.ShouldBeGreaterThan(0);
    }
}
