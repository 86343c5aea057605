using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tests.Layers;

/// <summary>Convolutions over time, beside plain loops.</summary>
public sealed class TimeConvolutionTests
{
    [Theory]
    [InlineData(3, 1)]
    [InlineData(5, 3)]
    public void A_convolution_is_a_sum_over_its_window(int kernel, int dilation)
    {
        using var random = new Generator(1, CPU);
        using var conv = new TimeConvolution(2, 3, kernel, dilation, Precision.Fp32, random);
        (float[,] weight, _) = Weights(conv);
        float[,,] x = Input(time: 7);
        Check(conv.forward(tensor(x)), 7, (batch, time, output) =>
        {
            float sum = 0;
            for (int k = 0; k < kernel; k++)
            {
                int at = time + ((k - (kernel / 2)) * dilation);
                for (int input = 0; input < 2; input++)
                    sum += weight[output, (k * 2) + input] * At(x, batch, at, input);
            }
            return sum;
        });
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void A_stride_takes_windows_of_twice_its_length(int stride)
    {
        using var random = new Generator(1, CPU);
        using var conv = new TimeDownsampling(2, 3, stride, Precision.Fp32, random);
        (float[,] weight, _) = Weights(conv);
        float[,,] x = Input(time: 4 * stride);
        Check(conv.forward(tensor(x)), 4, (batch, time, output) =>
        {
            float sum = 0;
            for (int k = 0; k < 2 * stride; k++)
            {
                for (int input = 0; input < 2; input++)
                    sum += weight[output, (k * 2) + input] * At(x, batch, (time * stride) + k - (stride / 2), input);
            }
            return sum;
        });
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void A_transposed_convolution_adds_a_window_of_each_position(int stride)
    {
        using var random = new Generator(1, CPU);
        using var conv = new TimeUpsampling(2, 3, stride, Precision.Fp32, random);
        (float[,] weight, _) = Weights(conv);
        float[,,] x = Input(time: 4);
        Check(conv.forward(tensor(x)), 4 * stride, (batch, time, output) =>
        {
            float sum = 0;
            for (int from = 0; from < 4; from++)
            {
                int k = time + (stride / 2) - (from * stride);
                for (int input = 0; k >= 0 && k < 2 * stride && input < 2; input++)
                    sum += weight[(k * 3) + output, input] * x[batch, from, input];
            }
            return sum;
        });
    }

    private static (float[,] Weight, int Rows) Weights(nn.Module module)
    {
        Tensor weight = module.named_parameters().First(p => p.name.EndsWith("weight", StringComparison.Ordinal))
            .parameter;
        var values = new float[weight.shape[0], weight.shape[1]];
        Buffer.BlockCopy(weight.detach().data<float>().ToArray(), 0, values, 0, values.Length * sizeof(float));
        return (values, values.GetLength(0));
    }

    private static float[,,] Input(int time)
    {
        var random = new SplitMix64(3);
        var x = new float[2, time, 2];
        for (int i = 0; i < x.Length; i++)
            x[i / (2 * time), i / 2 % time, i % 2] = (float)random.NextDouble() - 0.5f;
        return x;
    }

    private static float At(float[,,] x, int batch, int time, int channel) =>
        time >= 0 && time < x.GetLength(1) ? x[batch, time, channel] : 0;

    private static void Check(Tensor found, int times, Func<int, int, int, float> expected)
    {
        found.shape.ShouldBe([2, times, 3]);
        float[] values = found.detach().contiguous().data<float>().ToArray();
        for (int i = 0; i < values.Length; i++)
            values[i].ShouldBe(expected(i / (3 * times), i / 3 % times, i % 3), 1e-5f);
    }
}
